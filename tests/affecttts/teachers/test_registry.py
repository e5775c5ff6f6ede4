"""Teachers by name."""

from affecttts.teachers.registry import TEACHERS, make_teacher
from codec import CodecConfig


def test_naming_a_teacher_loads_nothing():
    for name in TEACHERS:
        teacher = make_teacher(name, CodecConfig.preset("tiny"))
        assert teacher.id and (teacher.rate is None or teacher.rate > 0)
