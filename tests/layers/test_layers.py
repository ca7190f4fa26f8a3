"""What the layers compute, at the values where care is needed; losses; optimisers; learning."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from sinrelu import layers
from sinrelu.errors import RequestError
from sinrelu.layers import (
    SGD,
    Adam,
    Dense,
    HingeLoss,
    Parameter,
    ReLU,
    Sequential,
    Sigmoid,
    Softmax,
    SoftmaxCrossEntropy,
    Square,
    SquaredLoss,
)


def test_dense_is_affine_row_by_row():
    layer = Dense([[1.0, 2.0], [0.0, -1.0], [3.0, 0.5]], [0.25, 0.0, -1.0])
    assert layer.forward([[1.0, 2.0], [0.0, 0.0]]).tolist() == [[5.25, -2.0, 3.0], [0.25, 0, -1]]
    assert layer.backward([[1.0, 0.0, 0.0], [0.0, 1.0, 2.0]]).tolist() == [[1.0, 2.0], [6.0, 0.0]]
    assert layer.weight.gradient.tolist() == [[1.0, 2.0], [0.0, 0.0], [0.0, 0.0]]
    assert layer.bias.gradient.tolist() == [1.0, 1.0, 2.0]


def test_public_names_are_sorted_complete_and_there():
    kinds = {name: (not name.isupper(), name[0].islower(), name) for name in layers.__all__}
    assert layers.__all__ == sorted(kinds, key=kinds.__getitem__)
    public = {name for name, thing in vars(layers).items() if getattr(thing, "__doc__", "")}
    assert set(layers.__all__) <= public


def test_a_seed_gives_the_same_dense_layer():
    first, again, other = (Dense(30, 20, seed=seed) for seed in (1, np.random.default_rng(1), 2))
    assert first.weight.value.shape == (20, 30)
    assert first.weight.value.tolist() == again.weight.value.tolist()
    assert (first.weight.value != other.weight.value).all()
    assert (Dense(30, 20).weight.value != Dense(30, 20).weight.value).all()
    assert first.bias.value.tolist() == [0.0] * 20
    assert first.weight.value.std() == pytest.approx(np.sqrt(2 / 30), rel=0.1)


@pytest.mark.parametrize(
    "layer", [Dense(2, 3, seed=0, bias=False), Dense(np.ones((3, 2)), bias=False)]
)
def test_a_bias_that_is_left_out_stays_0(layer):
    layer.forward([[1.0, 2.0]])
    layer.backward([[1.0, 2.0, 3.0]])
    SGD([layer.weight, layer.bias], 0.1).step()
    assert layer.bias.value.tolist() == [0.0] * 3
    assert layer.parameters() == (layer.weight,)


def test_biases_that_do_not_fit_are_named():
    for make in (lambda: Dense([[1.0]], [1.0, 2.0]), lambda: Dense(1, 1, bias=[1.0, 2.0])):
        with pytest.raises(RequestError, match=r"shape \(1, 1\) does not fit biases \(2,\)"):
            make()


def test_biases_by_any_way():
    for layer in (Dense([[1.0]], [2.0]), Dense([[1.0]], bias=[2.0]), Dense(1, 1, bias=[2.0])):
        assert layer.bias.value.tolist() == [2.0]
        assert len(layer.parameters()) == 2
    assert Dense([[1.0]]).bias.value.tolist() == [0.0]
    assert Dense([[1.0]], [5.0], bias=False).bias.value.tolist() == [0.0]


def test_gradients_are_those_of_the_last_backward():
    layer = Dense([[1.0]], [0.0])
    for x in (3.0, 5.0):
        layer.forward([[x]])
        layer.backward([[1.0]])
    assert layer.weight.gradient.tolist() == [[5.0]]


def test_relu_has_derivative_0_at_0():
    layer = ReLU()
    assert layer.forward([[-1.0, -0.0, 0.0, 2.0]]).tolist() == [[0.0, 0.0, 0.0, 2.0]]
    assert layer.backward([[1.0, 1.0, 1.0, 1.0]]).tolist() == [[0.0, 0.0, 0.0, 1.0]]


def test_sigmoid_overflows_nowhere():
    layer = Sigmoid()
    output = layer.forward([[-1e308, -1000.0, -700.0, 0.0, 700.0, 1e308]])
    assert output.tolist() == [[0.0, 0.0, pytest.approx(np.exp(-700.0), rel=1e-12), 0.5, 1.0, 1.0]]
    assert np.isfinite(layer.backward(np.ones((1, 6)))).all()


def test_square():
    layer = Square()
    assert layer.forward([[-3.0, 0.0, 0.5]]).tolist() == [[9.0, 0.0, 0.25]]
    assert layer.backward([[1.0, 1.0, 2.0]]).tolist() == [[-6.0, 0.0, 2.0]]


def test_softmax_and_its_jacobian_at_huge_logits():
    layer = Softmax()
    assert layer.forward([[8e307, -8e307], [1000.0, 1000.0]]).tolist() == [[1.0, 0.0], [0.5, 0.5]]
    s = layer.forward([1.0, 2.0, 3.0])
    assert s == pytest.approx(np.exp([1, 2, 3]) / np.exp([1, 2, 3]).sum(), rel=1e-15)
    jacobian = np.array([layer.backward(unit) for unit in np.eye(3)])
    assert jacobian == pytest.approx(np.diag(s) - np.outer(s, s), rel=1e-13)


def test_hinge_loss_is_flat_from_the_margin_on():
    loss = HingeLoss([[1, -1, 1, -1]], reduction="none")
    assert loss.forward([[1.0, -2.0, 0.25, 3.0]]).tolist() == [[0.0, 0.0, 0.75, 4.0]]
    assert loss.backward().tolist() == [[0.0, 0.0, -1.0, 1.0]]


BATCHES = arrays(np.float64, (3, 4), elements=st.floats(-100, 100))


@given(BATCHES, st.sampled_from([SquaredLoss, HingeLoss, SoftmaxCrossEntropy]))
def test_reductions_are_mean_and_sum_of_the_losses_that_stay(x, kind):
    target = [3, 0, 1] if kind is SoftmaxCrossEntropy else np.where(x > 3, 1, -1)
    mean, total, none = (kind(target, reduction=how) for how in ("mean", "sum", "none"))
    losses = none.forward(x)
    assert losses.shape == ((3,) if kind is SoftmaxCrossEntropy else (3, 4))
    assert float(mean.forward(x)) == pytest.approx(losses.mean(), rel=1e-14)
    assert float(total.forward(x)) == pytest.approx(losses.sum(), rel=1e-14)
    assert none.backward().tolist() == total.backward().tolist()
    assert mean.backward() * losses.size == pytest.approx(total.backward(), rel=1e-14)
    assert none.backward(np.full(losses.shape, 2.0)).tolist() == total.backward(2.0).tolist()


def test_softmax_cross_entropy_at_huge_logits():
    logits = np.array([[1000.0, -1000.0], [1000.0, -1000.0], [-1000.0, -1000.0]])
    loss = SoftmaxCrossEntropy([0, 1, 1])
    assert float(loss.forward(logits)) == pytest.approx((0 + 2000 + np.log(2)) / 3, rel=1e-15)

    assert (loss.backward()[:, 0] * [1, 3, 2]).tolist() == pytest.approx([0, 1, 1 / 3])
    assert (loss.backward().sum(axis=1) == 0).all()


def test_softmax_cross_entropy_is_blind_to_a_shift():
    logits = np.random.default_rng(0).standard_normal((6, 4))
    loss = SoftmaxCrossEntropy(np.arange(6) % 4)
    assert float(loss.forward(logits + 1000)) == pytest.approx(float(loss.forward(logits)))


def test_squared_loss_is_a_mean_over_all_entries():
    loss = SquaredLoss([[1.0, 2.0], [3.0, 4.0]])
    assert float(loss.forward([[1.0, 2.0], [3.0, 8.0]])) == 4.0
    assert loss.backward().tolist() == [[0.0, 0.0], [0.0, 2.0]]


@pytest.mark.parametrize(
    "mistake",
    [
        lambda: Dense([1.0], [1.0]),
        lambda: Dense([[1.0]], [1.0, 2.0]),
        lambda: Dense([[1.0]], [1.0], mask=[True]),
        lambda: Dense([[1.0]], [1.0]).forward([1.0, 2.0]),
        lambda: Dense([[1.0]], [1.0]).forward([[[1.0]]]),
        lambda: Dense([[1.0]], [1.0]).forward([[1.0, 2.0]]),
        lambda: SquaredLoss([[[1.0]]]),
        lambda: SquaredLoss([[1.0], [2.0]]).forward([[1.0]]),
        lambda: SquaredLoss([[1.0]]).backward(),
        lambda: SquaredLoss([[1.0]], reduction="median"),
        lambda: HingeLoss([0, 1]),
        lambda: Dense(3),
        lambda: Dense(3, 0),
        lambda: Dense(3, 2.5),
        lambda: SoftmaxCrossEntropy([0.5]),
        lambda: SoftmaxCrossEntropy([0]).forward([[1.0, 2.0], [1.0, 2.0]]),
        lambda: SoftmaxCrossEntropy([2]).forward([[1.0, 2.0]]),
        lambda: SoftmaxCrossEntropy([-1]).forward([[1.0, 2.0]]),
        lambda: Sequential(*[ReLU()] * 2),
        lambda: Sequential(*[Sequential(ReLU())] * 2),
        lambda: [Sequential(layer, Sequential(layer)) for layer in [ReLU()]],
    ],
)
def test_what_does_not_fit_is_refused(mistake):
    with pytest.raises(RequestError):
        mistake()


def test_a_gradient_of_another_batch_is_refused():
    layer = Dense(2, 1)
    layer.forward([[1.0, 2.0], [3.0, 4.0]])
    for gradient in (1.0, [[1.0]], [[1.0, 1.0]], [[1.0]] * 3):
        with pytest.raises(RequestError, match=r"expected a gradient of shape \(2, 1\), found"):
            layer.backward(gradient)


@pytest.mark.parametrize("kind", [ReLU, Square, Sigmoid, Softmax])
def test_a_gradient_is_not_broadcast(kind):
    layer = kind()
    layer.forward([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])
    for shape in ((), (3,), (1, 3), (2, 1), (3, 2), (1, 2, 3)):
        with pytest.raises(RequestError, match=r"expected a gradient of shape \(2, 3\), found"):
            layer.backward(np.ones(shape))
    layer.forward([1.0, 2.0, 3.0])
    assert layer.backward([[1.0, 1.0, 1.0]]).shape == (3,)


def test_a_gradient_kept_has_the_shape_of_what_learns():
    parameter = Parameter([1.0, 2.0, 3.0])
    parameter.keep([1, 2, 3])
    assert parameter.gradient.tolist() == [1.0, 2.0, 3.0]
    for wrong in (1.0, [1.0], [[1.0, 2.0, 3.0]]):  # a sum too many, or too few
        with pytest.raises(RequestError, match=r"gradient: shape .* for values of \(3,\)"):
            parameter.keep(wrong)


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
def test_a_gradient_of_a_loss_is_not_broadcast(reduction):
    for loss in (SquaredLoss(np.zeros((2, 3)), reduction), SoftmaxCrossEntropy([0, 2], reduction)):
        shape = loss.forward(np.ones((2, 3))).shape
        assert loss.backward(np.ones(shape)).tolist() == loss.backward().tolist()
        for wrong in ((3,), (2, 1), (1, 2, 3)):
            with pytest.raises(RequestError, match="expected a gradient of shape"):
                loss.backward(np.ones(wrong))


@pytest.mark.parametrize("kind", [lambda: Dense(2, 2, seed=0), ReLU, Square, Sigmoid, Softmax])
def test_input_and_output_may_be_changed_in_place(kind):
    layer, gradient, x = kind(), np.array([[1.0, -2.0]]), np.array([[0.5, 0.25]])
    output = layer.forward(x)
    expected = layer.backward(gradient).tolist()
    x[0, 0] = output[0, 1] = -1
    assert layer.backward(gradient).tolist() == expected


def test_a_target_that_does_not_fit_is_named():
    with pytest.raises(RequestError, match=r"target: shape \(1, 3\) does not fit .* \(3, 1\)"):
        SquaredLoss([1.0, 2.0, 3.0]).forward([[1.0], [2.0], [3.0]])


def moved(optimiser, steps):
    """Follow an optimiser on x²/2, whose gradient is x, from x = 1."""
    parameter = Parameter([1.0])
    descent = optimiser([parameter])
    path = []
    for _ in range(steps):
        parameter.keep(parameter.value.copy())
        descent.step()
        path.append(parameter.value[0])
    return path


def test_gradient_descent_by_hand():
    assert moved(lambda p: SGD(p, 0.5), 3) == [0.5, 0.25, 0.125]
    assert moved(lambda p: SGD(p, 0.5, momentum=0.5), 3) == [0.5, 0.0, -0.25]


def test_adam_by_hand():
    beta1, beta2 = 0.9, 0.999
    x, mean, square, expected = 1.0, 0.0, 0.0, []
    for step in (1, 2, 3):
        mean, square = beta1 * mean + (1 - beta1) * x, beta2 * square + (1 - beta2) * x * x
        unbiased = mean / (1 - beta1**step), square / (1 - beta2**step)
        x -= 0.1 * unbiased[0] / (unbiased[1] ** 0.5 + 1e-8)
        expected.append(x)
    assert moved(lambda p: Adam(p, 0.1), 3) == pytest.approx(expected, rel=1e-14)
    assert expected[0] == pytest.approx(0.9)  # the first step is as long as the rate says


@pytest.mark.parametrize("optimiser", [lambda p: SGD(p, 0.1, momentum=0.9), lambda p: Adam(p, 0.1)])
def test_a_sparse_layer_stays_sparse(optimiser):
    rng = np.random.default_rng(0)
    mask = rng.random((3, 4)) < 0.5
    layer = Dense(rng.standard_normal((3, 4)), np.zeros(3), mask)
    started = layer.weight.value.copy()
    descent, loss = optimiser(layer.parameters()), SquaredLoss(rng.standard_normal((7, 3)))
    for x in rng.standard_normal((20, 7, 4)):
        loss.forward(layer.forward(x))
        layer.backward(loss.backward())
        descent.step()
    assert np.array_equal(layer.weight.value != 0, mask)
    assert (layer.weight.value != started)[mask].all()


def test_two_layers_learn_to_classify():
    """Three interleaved spiral arms, which no affine classifier tells apart."""
    rng = np.random.default_rng(2018)
    labels = np.arange(600) % 3
    radius = rng.uniform(0.1, 1.0, 600)
    angle = 4 * radius + 2 * np.pi / 3 * labels + 0.1 * rng.standard_normal(600)
    points = radius[:, None] * np.stack([np.cos(angle), np.sin(angle)], axis=1)
    model = Sequential(
        Dense(rng.standard_normal((50, 2)), rng.standard_normal(50)),
        ReLU(),
        Dense(rng.standard_normal((3, 50)) / 5, np.zeros(3)),
    )
    descent, loss = Adam(model.parameters(), 0.02), SoftmaxCrossEntropy(labels[:300])

    def right(part):
        return np.mean(model.forward(points[part]).argmax(axis=1) == labels[part])

    assert right(slice(300, None)) < 0.6
    for _ in range(400):
        loss.forward(model.forward(points[:300]))
        model.backward(loss.backward())
        descent.step()
    assert right(slice(300)) > 0.95
    assert right(slice(300, None)) > 0.95
