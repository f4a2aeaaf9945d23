"""Invented full names: two given names and two surnames each, put together by draw.

No two people share more than one word, so whatever a list leaves out (the second surname, the accents), a
name still belongs to one person only. The words are common enough to be nobody's; any likeness is chance.
"""

import unicodedata
from collections.abc import Iterable
from itertools import combinations

from app.demo.draw import draw
from app.unicode_text import normal

Name = tuple[str, str, str, str]


def _words(text: str) -> list[str]:
    return text.split()


MALE = _words(
    """
    Adalberto Anselmo Aurelio Baltazar Benigno Bernabé Calixto Camilo Celestino Cipriano Clemente
    Crisanto Dámaso Demetrio Eladio Eleazar Eliseo Epifanio Eusebio Evaristo Fabricio Faustino
    Feliciano Fermín Florencio Fulgencio Gaspar Genaro Germán Gumersindo Heriberto Hilario Horacio
    Ignacio Isidoro Jacinto Joaquín Julián Leandro Leoncio Lisandro Lorenzo Macario Marcelino
    Mauricio Melquíades Nicanor Norberto Olegario Onésimo Pascual Patricio Plácido Prudencio Quintín
    Remigio Rogelio Rómulo Rosendo Rufino Sabino Salvador Saturnino Severiano Silvestre Tadeo
    Teodoro Tiburcio Ulises Urbano Valentín Venancio Vicente Wenceslao Zenón
    """
)

FEMALE = _words(
    """
    Adelaida Agustina Amparo Anastasia Apolonia Aurora Balbina Benilde Brígida Candelaria Casilda
    Celina Clotilde Consuelo Dalila Delfina Dorotea Edelmira Elvira Emperatriz Encarnación Estefanía
    Eulalia Felicia Filomena Genoveva Griselda Herminia Hortensia Inocencia Josefina Leocadia Ligia
    Lucrecia Magdalena Matilde Natividad Nicolasa Obdulia Otilia Paulina Perpetua Petronila Raimunda
    Ramona Remedios Rosaura Sebastiana Serafina Tomasa Úrsula Verónica Virtudes Zoraida
    """
)

SURNAMES = _words(
    """
    Agüero Alcántara Aldana Alfonzo Altuve Amundaray Anzola Araque Arismendi Arocha Arrieta Aular
    Azuaje Becerra Bermúdez Boscán Briceño Bustillos Cabrices Camejo Canelón Carvajal Castellanos
    Cedeño Chirinos Cisneros Colmenares Cordero Corredor Cuicas Dorante Echenique Escalona Espinoza
    Farías Figuera Fuenmayor Galíndez Gamarra Garrido Gavidia Godoy Graterol Guédez Guillén
    Gutiérrez Henríquez Hurtado Infante Izaguirre Jaspe Landaeta Lara Leal Linares Lovera Lozada
    Lugo Luzardo Madriz Malavé Manrique Marcano Marrero Matheus Mavárez Medrano Melean Mijares
    Monasterios Montilla Morillo Mujica Naranjo Narváez Navas Noguera Ojeda Olivares Ordaz Orellana
    Oropeza Osuna Pacheco Paredes Peraza Perdomo Piñango Pirela Quijada Quintero Rangel Reyna Rincón
    Rivero Rondón Rosales Sanabria Sandoval Segovia Sequera Sifontes Silva Sosa Tovar Ugueto
    Urbaneja Urdaneta Valbuena Valera Vallenilla Velásquez Viloria Yánez Zabaleta Zambrano Zerpa
    """
)


def plain(name: str) -> str:
    """Without its accents, as a hurried list writes it: `Guédez` becomes `Guedez`, `Cedeño` `Cedeno`."""
    letters = normal("NFD", name)
    return "".join(letter for letter in letters if not unicodedata.combining(letter))


def names(genders: Iterable[str]) -> list[Name]:
    """One name for each gender given (`male`, `female`), in order: two given names, then two surnames."""
    drawn: list[Name] = []
    used: set[tuple[str, ...]] = set()
    for number, gender in enumerate(genders):
        name = _unlike(used, MALE if gender == "male" else FEMALE, number)
        used.update(combinations(sorted(name), 2))
        drawn.append(name)
    return drawn


def _unlike(used: set[tuple[str, ...]], given: list[str], number: int) -> Name:
    """A name of which no two words stand together in an earlier one."""
    attempt = 0
    while True:
        first, second = _two(given, "given", number, attempt)
        father, mother = _two(SURNAMES, "surnames", number, attempt)
        name = (first, second, father, mother)
        if used.isdisjoint(combinations(sorted(name), 2)):
            return name
        attempt += 1


def _two(words: list[str], *parts: object) -> tuple[str, str]:
    """Two different words."""
    first, second = divmod(draw(*parts) % (len(words) * (len(words) - 1)), len(words) - 1)
    return words[first], words[second if second < first else second + 1]
