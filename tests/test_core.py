from tests.support import World


def test_two_sources_reporting_one_release_give_one_release_with_two_verifications(world: World) -> None:
    first = world.file("foro")
    second = world.file("jep", detainee__full_name="Tomas Quintana Ribas")
    assert second["match"]["outcome"] == "linked"
    assert second["release"]["id"] == first["release"]["id"]
    verdicts = world.get(f"/v1/releases/{first['release']['id']}/verifications").json()["data"]
    assert [(one["source"], one["verdict"]) for one in verdicts] == [("foro", "verified"), ("jep", "verified")]
    assert world.count()["total"]["by_min_sources"] == {"1": 1, "2": 1}
