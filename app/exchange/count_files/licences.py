"""Under which licence count files are given: the operator chooses, and nobody has to ask."""

from enum import StrEnum


class Licence(StrEnum):
    """Licences for data that whoever counts from it may rely on (opendefinition.org), by their SPDX identifiers."""

    CC0 = "CC0-1.0"
    CC_BY = "CC-BY-4.0"
    CC_BY_SA = "CC-BY-SA-4.0"
    ODC_BY = "ODC-By-1.0"
    ODBL = "ODbL-1.0"
    PDDL = "PDDL-1.0"


ADDRESSES = {
    Licence.CC0: "https://creativecommons.org/publicdomain/zero/1.0/",
    Licence.CC_BY: "https://creativecommons.org/licenses/by/4.0/",
    Licence.CC_BY_SA: "https://creativecommons.org/licenses/by-sa/4.0/",
    Licence.ODC_BY: "https://opendatacommons.org/licenses/by/1-0/",
    Licence.ODBL: "https://opendatacommons.org/licenses/odbl/1-0/",
    Licence.PDDL: "https://opendatacommons.org/licenses/pddl/1-0/",
}
