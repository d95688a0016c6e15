// Shows the sidebar's groups that a run made or removed.
//
// The App takes groups from a dataset when it comes to it from elsewhere, and not when it reads the dataset again, nor
// has FiftyOne an operator for it. This is one, of the kind that runs in the page: see "Developing JS plugins" in
// FiftyOne's documentation. It is short enough to need no build.
(() => {
  const { __foo__: operators, __fos__: state, recoil } = window;
  if (!operators || !recoil || !state?.sidebarGroupsDefinition) return; // another App: groups come with the page

  /** The groups as a page that is loaded now has them, but open and closed as they are in this one. */
  function arranged(groups, now) {
    const open = new Map(now.map(({ name, expanded }) => [name, expanded]));
    const shown = groups.map((group) => ({ ...group, expanded: open.get(group.name) ?? group.expanded }));
    for (const name of ["metadata", "tags"]) {
      // the App draws both, whatever a dataset says
      if (!shown.some((group) => group.name === name)) shown.unshift({ name, paths: [], expanded: true });
    }
    return shown;
  }

  /** Whether a page shows these groups already. Empty ones, and the paths of "tags", are the App's own affair. */
  function same(shown, now) {
    const said = (groups) =>
      JSON.stringify(
        groups
          .filter(({ name, paths }) => name !== "tags" && paths.length)
          .map(({ name, paths }) => [name, paths]),
      );
    return said(shown) === said(now);
  }

  class ShowSidebarGroups extends operators.Operator {
    get config() {
      return new operators.OperatorConfig({
        name: "show_sidebar_groups",
        label: "SAM 2: show the sidebar's groups",
        unlisted: true,
      });
    }

    useHooks() {
      const show = recoil.useRecoilCallback(({ set, snapshot }) => (groups) => {
        for (const modal of [false, true]) {
          const shown = snapshot.getLoadable(state.sidebarGroupsDefinition(modal)).valueMaybe();
          // each set has the App paint all thumbnails again, and two paintings at once lose their masks
          if (!shown || !same(groups, shown)) {
            set(state.sidebarGroupsDefinition(modal), (now) => arranged(groups, now));
          }
        }
      });
      return { show };
    }

    execute({ hooks, params }) {
      hooks.show(params.groups);
    }
  }

  operators.registerOperator(ShowSidebarGroups, "@promptlab/sam2-prompting");
})();
