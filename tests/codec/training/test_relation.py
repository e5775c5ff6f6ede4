"""Module 2: relations between frames, at points where the loss and its gradient are known."""

import pytest
import torch

from codec.training.relation import (
    FORMS,
    FUNCTIONS,
    NORMS,
    RelationConfig,
    relation_correlation,
    relation_loss,
    relation_matrix,
)


def frames(seed, batch=2, count=10, dim=6):
    return torch.randn(batch, count, dim, generator=torch.Generator().manual_seed(seed))


def everywhere(x):
    return torch.ones(x.shape[:2], dtype=torch.bool)


def rotation(dim, seed=0):
    return torch.linalg.qr(torch.randn(dim, dim, generator=torch.Generator().manual_seed(seed)))[0]


@pytest.mark.parametrize("norm", NORMS)
def test_relations_are_distances(norm):
    x = frames(0)
    unit = torch.nn.functional.normalize(x, dim=-1) if norm == "l2" else x
    expected = torch.cdist(unit, unit)
    if norm == "mean":
        expected = expected / expected.mean((1, 2), keepdim=True)
    torch.testing.assert_close(relation_matrix(x, norm), expected, atol=5e-3, rtol=1e-3)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("norm", NORMS)
def test_an_isometry_of_the_only_teacher_costs_nothing(form, norm):
    teacher = frames(1)
    student = teacher @ rotation(6)
    if norm != "l2":
        student = student + 3.0  # the zero point is free, but not for unit vectors
    if norm == "mean":
        student = 5 * student  # and so is the scale
    loss = relation_loss(student, [(1.0, teacher, everywhere(teacher))], RelationConfig(form, norm))
    assert loss.item() == pytest.approx(0.0, abs=2e-3)
    other = relation_loss(
        frames(9), [(1.0, teacher, everywhere(teacher))], RelationConfig(form, norm)
    )
    assert other.item() > 0.05


def test_raw_l1_is_the_papers_formula():
    student, emotion, semantic = frames(1), frames(2, dim=3), frames(3, dim=4)
    mine, moods, words = (torch.cdist(x, x) for x in (student, emotion, semantic))
    expected = (2.0 * (mine - moods).abs() + 0.5 * (mine - words).abs()).mean()
    teachers = [(2.0, emotion, everywhere(emotion)), (0.5, semantic, everywhere(semantic))]
    torch.testing.assert_close(
        relation_loss(student, teachers, RelationConfig("l1", "raw")), expected, atol=1e-3, rtol=0
    )


def gradient(form, student, near, far):
    leaf = student.clone().requires_grad_()
    teachers = [(1.0, near, everywhere(near)), (1.0, far, everywhere(far))]
    (found,) = torch.autograd.grad(relation_loss(leaf, teachers, RelationConfig(form, "raw")), leaf)
    return found


def test_l1_is_blind_between_the_teachers_and_smooth_l1_is_not():
    """All distances of the student lie between those of the two teachers."""
    student = frames(4)
    near, far = 0.5 * student, 2.0 * student
    torch.testing.assert_close(
        gradient("l1", student, near, far), torch.zeros_like(student), atol=1e-6, rtol=0
    )
    assert gradient("smooth_l1", student, near, far).abs().max() > 1e-3
    assert gradient("l1", student, far, 3 * student).abs().max() > 1e-3  # outside the band


def test_cosines_and_angles_are_what_their_names_say():
    x = frames(0)
    torch.testing.assert_close(
        relation_matrix(x, function="cosine"),
        torch.nn.functional.cosine_similarity(x[:, :, None], x[:, None], dim=-1),
    )
    corner = torch.tensor([[[1.0, 0.0], [0.0, 0.0], [0.0, 2.0]]])  # 90 degrees at the second frame
    straight = torch.tensor([[[1.0, 0.0], [0.0, 0.0], [-3.0, 0.0]]])  # 180, and 0 at both ends
    loss = relation_loss(
        corner, [(1.0, straight, everywhere(straight))], RelationConfig("l1", function="angle")
    )
    expected = (1.0 + (1 - 1 / 5**0.5) + (1 - 2 / 5**0.5)) / 3
    assert loss.item() == pytest.approx(expected, abs=1e-4)


@pytest.mark.parametrize("function", ["cosine", "angle"])
def test_cosines_and_angles_forget_what_does_not_matter(function):
    """Angles are the same after moving, turning and scaling, cosines after the last two."""
    teacher = frames(1)
    student = 5 * teacher @ rotation(6)
    moved, config, known = student + 3.0, RelationConfig(function=function), everywhere(teacher)
    assert relation_loss(student, [(1.0, teacher, known)], config).item() == pytest.approx(
        0.0, abs=1e-5
    )
    after_moving = relation_loss(moved, [(1.0, teacher, known)], config).item()
    assert (
        after_moving == pytest.approx(0.0, abs=1e-5) if function == "angle" else after_moving > 0.05
    )
    assert relation_loss(frames(9), [(1.0, teacher, known)], config).item() > 0.05


def test_triplets_are_drawn_where_there_are_many():
    """Their mean is that of all angles."""
    student, teacher = frames(1), frames(2)
    teachers = [(1.0, teacher, everywhere(teacher))]
    full = relation_loss(student, teachers, RelationConfig("mse", function="angle"))
    torch.manual_seed(0)
    few = RelationConfig("mse", function="angle", triplets=100)
    draws = torch.stack([relation_loss(student, teachers, few) for _ in range(200)])
    assert draws.std() > 0 and abs(draws.mean() - full) < 0.02 * full


@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("chunk", [1, 4, 64])
def test_in_chunks_as_at_once(norm, chunk):
    """Loss and gradient, with padding, however many rows are compared at a time."""
    student, teacher, mask = frames(6), frames(7), everywhere(frames(6))
    mask[0, 6:] = False

    def both(config):
        leaf = student.clone().requires_grad_()
        loss = relation_loss(leaf, [(0.5, teacher, mask)], config)
        return loss.detach(), *torch.autograd.grad(loss, leaf)

    for function in ("distance", "cosine"):
        whole = both(RelationConfig(norm=norm, function=function))
        parts = both(RelationConfig(norm=norm, function=function, chunk=chunk, anchors=3))
        for expected, found in zip(whole, parts):
            torch.testing.assert_close(found, expected, atol=1e-6, rtol=1e-5)


@pytest.mark.parametrize("function", FUNCTIONS)
@pytest.mark.parametrize("chunk", [0, 4])
def test_padding_changes_nothing(function, chunk):
    student, teacher = frames(6), frames(7)
    config = RelationConfig(function=function, chunk=chunk, triplets=10**6)
    loss = relation_loss(student, [(1.0, teacher, everywhere(teacher))], config)
    longer, taught = (
        torch.cat([x, 50 * frames(8, count=4, dim=6)], dim=1) for x in (student, teacher)
    )
    longer, mask = longer.requires_grad_(), torch.arange(14).expand(2, 14) < 10
    padded = relation_loss(longer, [(1.0, taught, mask)], config)
    torch.testing.assert_close(padded, loss, atol=1e-5, rtol=1e-4)
    (gradient,) = torch.autograd.grad(padded, longer)
    assert (gradient[:, 10:] == 0).all() and gradient[:, :10].abs().sum() > 0


@pytest.mark.parametrize("function", FUNCTIONS)
def test_identical_frames_have_finite_gradients_whatever_the_function(function):
    """Some frames share a code, as neighbours often do; then all of them do."""
    teacher = frames(5, count=6)
    for student in (
        frames(4, count=3).repeat_interleave(2, dim=1),
        torch.ones(2, 6, 6),
        torch.zeros(2, 6, 6),
    ):
        leaf = student.clone().requires_grad_()
        loss = relation_loss(
            leaf, [(1.0, teacher, everywhere(teacher))], RelationConfig(function=function)
        )
        loss.backward()
        assert (
            torch.isfinite(loss) and torch.isfinite(leaf.grad).all() and leaf.grad.abs().max() < 1e3
        )


@pytest.mark.parametrize("norm", NORMS)
def test_identical_frames_give_finite_gradients(norm):
    student = torch.ones(2, 5, 6, requires_grad=True)
    teacher = frames(5, count=5)
    loss = relation_loss(student, [(1.0, teacher, everywhere(teacher))], RelationConfig(norm=norm))
    loss.backward()
    assert torch.isfinite(loss) and torch.isfinite(student.grad).all()


@pytest.mark.parametrize("norm", NORMS)
def test_what_the_mask_hides_has_no_say(norm):
    student, teacher = frames(6).requires_grad_(), frames(7)
    mask = everywhere(student)
    mask[0, 6:], mask[1, :2] = False, False
    config = RelationConfig(norm=norm)
    loss = relation_loss(student, [(1.0, teacher, mask)], config)
    (found,) = torch.autograd.grad(loss, student)
    assert (found[~mask] == 0).all() and (found[mask].abs() > 0).any()
    spoilt = torch.where(mask[..., None], teacher, torch.full_like(teacher, 1e3))
    torch.testing.assert_close(relation_loss(student, [(1.0, spoilt, mask)], config), loss)


def test_a_sequence_alone_is_as_in_its_batch():
    student, teacher = frames(6), frames(7)
    pairs = [(student, teacher), *((student[i : i + 1], teacher[i : i + 1]) for i in (0, 1))]
    both, one, two = (
        relation_loss(mine, [(1.0, theirs, everywhere(theirs))], RelationConfig())
        for mine, theirs in pairs
    )
    torch.testing.assert_close(both, (one + two) / 2)


def test_the_scope_batch_compares_clips_with_one_another():
    """Clips of like frames each, told apart by the teacher: within a clip there is nothing to
    learn, between them there is.
    """
    teacher = torch.cat([torch.zeros(1, 4, 2), torch.ones(1, 4, 2)])
    leaf = (frames(5, count=1, dim=3) * 1e-3).expand(2, 4, 3).clone().requires_grad_()
    moved = {}
    for scope in ("clip", "batch"):
        loss = relation_loss(
            leaf, [(1.0, teacher, everywhere(teacher))], RelationConfig(norm="raw", scope=scope)
        )
        (gradient,) = torch.autograd.grad(loss, leaf)
        moved[scope] = gradient.sum(1).norm(dim=-1)
    assert moved["clip"].max() < 1e-6 and moved["batch"].min() > 1e-3


def test_the_scope_batch_is_one_long_clip():
    student, teacher, known = frames(1), frames(2, dim=3), torch.rand(2, 10) > 0.3
    config = {scope: RelationConfig(scope=scope) for scope in ("clip", "batch")}
    joined = [x.flatten(0, 1)[None] for x in (student, teacher, known)]
    wanted = relation_loss(joined[0], [(1.0, *joined[1:])], config["clip"])
    torch.testing.assert_close(
        relation_loss(student, [(1.0, teacher, known)], config["batch"]), wanted
    )


def test_nothing_known_is_no_loss():
    student = frames(6).requires_grad_()
    loss = relation_loss(
        student, [(1.0, frames(7), torch.zeros(2, 10, dtype=torch.bool))], RelationConfig()
    )
    loss.backward()
    assert loss.item() == 0.0 and torch.isfinite(student.grad).all()


def test_no_gradient_reaches_the_teacher():
    student, teacher = frames(1).requires_grad_(), frames(2).requires_grad_()
    relation_loss(student, [(1.0, teacher, everywhere(teacher))], RelationConfig()).backward()
    assert teacher.grad is None and student.grad.abs().sum() > 0


def test_anchor_rows_are_unbiased():
    """Over all single rows as over many draws, the mean is the loss of the full matrix."""
    student, teacher = frames(1), frames(2)
    full = relation_loss(
        student, [(1.0, teacher, everywhere(teacher))], RelationConfig("mse", "raw")
    )
    torch.manual_seed(0)
    some = RelationConfig("mse", "raw", anchors=4)
    draws = torch.stack(
        [relation_loss(student, [(1.0, teacher, everywhere(teacher))], some) for _ in range(400)]
    )
    assert draws.std() > 0
    assert abs(draws.mean() - full) < 3 * draws.std() / len(draws) ** 0.5


def test_all_rows_are_compared_up_to_the_limit():
    student, teacher = frames(1), frames(2)
    teachers = [(1.0, teacher, everywhere(teacher))]
    assert relation_loss(student, teachers, RelationConfig(anchors=10)) == relation_loss(
        student, teachers, RelationConfig()
    )


def test_correlation_of_matrices():
    a, b = relation_matrix(frames(1)), relation_matrix(frames(2))
    mask = everywhere(frames(1))
    assert relation_correlation(a, 3 * a + 1, mask).item() == pytest.approx(1.0, abs=1e-5)
    assert relation_correlation(a, -a, mask).item() == pytest.approx(-1.0, abs=1e-5)
    assert abs(relation_correlation(a, b, mask).item()) < 0.9
    assert relation_correlation(a, b, torch.zeros_like(mask)).item() == 0.0


def test_the_soft_share_falls_to_nothing():
    config = RelationConfig(soft=0.25, soft_steps=100)
    assert [config.soft_share(step) for step in (0, 50, 100, 500)] == [0.25, 0.125, 0.0, 0.0]
    assert RelationConfig().soft_share(0) == 0.0


def test_unknown_forms_are_refused():
    for values in ({"form": "cubic"}, {"norm": "none"}, {"function": "kernel"}):
        with pytest.raises(ValueError, match="known"):
            RelationConfig(**values)
