"""Who a person is, and what is known of the last detention, in sentences."""

from collections.abc import Sequence

from app.vocabulary import ReleaseKind, ReleaseStatus, Stage, State, Verdict
from app.web.people.spells import Spell, days_inside, finest, verdicts_of
from app.web.people.telling import Json, Telling


def title_of(person: Json, telling: Telling) -> str:
    """The name; without one, what is known instead. No sex is guessed: the words agree with "person"."""
    _, words = telling.words.gettext, telling.words
    if person["name"] is not None:
        return str(person["name"])
    age = person["age"]
    aged = words.ngettext("A person, %(number)s year old", "A person, %(number)s years old", age or 0)
    who = _("A person") if age is None else aged % {"number": words.number(age)}
    abroad = person["nationalities"] or []
    countries = {detention["country"] for detention in person["detentions"]}
    if set(abroad) - countries:  # where somebody is held most are of that country: nobody would say it
        who += _(", with the nationality of %(countries)s") % {"countries": telling.value("nationalities", abroad)}
    places = [
        telling.facility(detention["facility"])
        for detention in person["detentions"]
        if detention["facility"] is not None
    ]
    where = (
        places[-1] if places else next((words.country(country) for country in sorted(filter(None, countries))), None)
    )
    if where is None:
        return who
    there = _(", who was in %(place)s") if places else _(", who was held in %(place)s")
    there = _(", held in %(place)s") if person["state"] == State.HELD else there
    there = there % {"place": where}
    return who + (there.removeprefix(",") if who == _("A person") else there)


def lead_of(person: Json, spells: Sequence[Spell], telling: Telling) -> list[str]:
    """What is known of the last detention, in sentences."""
    _, words = telling.words.gettext, telling.words
    if not spells:
        return []
    spell, told = spells[-1], []
    if len(spells) > 1:
        again = _("The person was detained again: %(number)s detentions are known.")
        told.append(again % {"number": words.number(len(spells))})
    if spell.is_out:
        told += _out(spell, telling)
    elif spell.is_denied:
        told += _denied(spell, telling)
    elif spell.release is not None:
        told += _ordered(spell.release, telling)
    if person["state"] == State.HELD:
        told += _held(spell, telling)
    told += _arrest(spell, telling, again=len(spells) > 1)
    if person["died_on"]:
        told.append(_("The person died %(when)s.") % {"when": telling.when(person["died_on"])})
    return told


def _out(spell: Spell, telling: Telling) -> list[str]:
    """When the person left prison, and who says so."""
    _, release, said = telling.words.gettext, spell.release, finest(spell.releases)
    by = sorted({slug for date in said for slug in date.by})
    home = release is not None and release["kind"] == ReleaseKind.HOUSE_ARREST
    if not said:
        told = [_("The person left prison; no source says on which day.")]
    elif len(said) == 1:
        one, several = _("says that the person left prison %(when)s."), _("say that the person left prison %(when)s.")
        sentence = _say(by, telling, one, several)
        told = [sentence % {"when": telling.when(said[0].text)}]
    else:
        told = [_say(by, telling, "", _("say that the person left prison, and do not agree on the day."))]
    if home:
        told.append(_("The release was into house arrest."))
    if release is not None and release["status"] == ReleaseStatus.REPORTED:
        told.append(_("No independent source verified it."))
    if release is not None and release["status"] == ReleaseStatus.CONTESTED:
        told.append(_("An independent source contests it."))
    return told


def _denied(spell: Spell, telling: Telling) -> list[str]:
    """Who says that the person left prison, and who refutes it."""
    _ = telling.words.gettext
    said = sorted({slug for date in spell.releases for slug in date.by})
    deny = sorted(verdict["source"] for verdict in verdicts_of(spell, Verdict.REFUTED, Verdict.DISPUTED))
    one, several = _("says that the person left prison."), _("say that the person left prison.")
    told = [_say(said, telling, one, several)] if said else []
    return told + ([_say(deny, telling, _("refutes it."), _("refute it."))] if deny else [])


def _ordered(release: Json, telling: Telling) -> list[str]:
    """How far a release got that was not carried out."""
    _ = telling.words.gettext
    if release["stage"] == Stage.ORDERED:
        day, dated, undated = (
            release["ordered_on"],
            _("The release was ordered %(when)s."),
            _("The release was ordered."),
        )
    else:
        day = release["announced_on"]
        dated, undated = _("The release was announced %(when)s."), _("The release was announced.")
    nobody = _("No source says that it was carried out.")
    return [dated % {"when": telling.when(day)} if day else undated, nobody]


def _held(spell: Spell, telling: Telling) -> list[str]:
    """Until when somebody knew the person inside."""
    _, day = telling.words.gettext, spell.detention["held_on"]
    if not day:
        return [_("The person is in prison, as far as is known.")]
    return [_("The person was still inside %(when)s.") % {"when": telling.when(day)}]


def _arrest(spell: Spell, telling: Telling, *, again: bool) -> list[str]:
    """When the person was detained, for the last time if `again`, and for how long."""
    _, words, said = telling.words.gettext, telling.words, finest(spell.arrests)
    if not said:
        return [_("No source says when the person was detained.")]
    days = days_inside(spell)
    told = _("The last time, the person was detained %(when)s.") if again else _("The person was detained %(when)s.")
    told %= {"when": telling.when(said[0].text)}
    if len(said) > 1:
        told = _("The sources do not agree on the day of the arrest.")
    if days is None:
        return [told]
    if days[0] == days[1]:
        spent = words.ngettext("That makes %(days)s day in prison.", "That makes %(days)s days in prison.", days[0])
        return [told, spent % {"days": words.number(days[0])}]
    between = _("That makes between %(low)s and %(high)s days in prison.")
    return [told, between % {"low": words.number(days[0]), "high": words.number(days[1])}]


def _say(slugs: Sequence[str], telling: Telling, one: str, several: str) -> str:
    """ "Foro Penal says …", "Four sources say …"."""
    return f"{telling.sources(slugs, begins=True)} {one if len(slugs) == 1 else several}"
