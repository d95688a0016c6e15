"""Classes and what competes with them."""

import pytest

from prompting.priors.vocabulary import BACKGROUND_PHRASES, CLASS_PHRASES, SYNONYMS, background_for, phrases_of


def test_person_is_asked_for_in_many_words():
    assert {"person", "man", "woman", "child"} <= set(phrases_of("person"))


@pytest.mark.parametrize(("synonym", "name"), [("aeroplane", "airplane"), ("pedestrian", "person"), ("sofa", "couch")])
def test_other_datasets_names_mean_the_same(synonym, name):
    assert phrases_of(synonym) == phrases_of(name)


def test_every_synonym_leads_to_a_class_of_the_table():
    assert set(SYNONYMS.values()) <= set(CLASS_PHRASES)


def test_class_that_nobody_foresaw_is_asked_for_by_its_name():
    assert phrases_of("red panda") == ("red panda",)


def test_given_phrases_replace_the_tables():
    assert phrases_of("person", {"person": ["worker with a helmet"]}) == ("worker with a helmet",)
    assert phrases_of("person", {"person": []}) == CLASS_PHRASES["person"]


def test_no_class_competes_with_itself():
    for name in (*CLASS_PHRASES, *SYNONYMS):
        assert not set(background_for([name])) & set(phrases_of(name))
        assert SYNONYMS.get(name, name) not in background_for([name])


def test_other_classes_compete():
    background = background_for(["bus"])
    assert "car" in background
    assert "bus" not in background
    assert set(background_for(["bus", "car"])) == set(background) - {"car"}


def test_given_phrase_does_not_compete_with_its_class():
    assert "sky" not in background_for(["smoke"], given={"smoke": ["sky"]})


def test_given_background_is_used_instead():
    assert background_for(["person"], ["wall", "woman", "floor"]) == ("wall", "floor")


def test_no_background_phrase_is_listed_twice():
    assert len(set(BACKGROUND_PHRASES)) == len(BACKGROUND_PHRASES) > 50
