"""A generator and a discriminator of images, with our nn and, line for line, with torch's.

A step trains the discriminator, then the generator, each with an optimiser of its own. Source: Radford, Metz,
Chintala 2016.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from baregrad import nn
from baregrad.tensor import Tensor
from tests.models.common import Arrays, Random

OPTIMIZER = ("Adam", {"lr": 2e-4, "betas": (0.5, 0.999)})
PARTS = ("generator", "discriminator")  # each with an optimiser of its own
NOISE = 10


class Generator(nn.Module):
    """Shapes: (n, 10) -> (n, 1, 16, 16)."""

    def __init__(self) -> None:
        self.first = nn.Linear(NOISE, 12 * 4 * 4)
        self.norm1 = nn.BatchNorm2d(12)
        self.up1 = nn.ConvTranspose2d(12, 8, 4, stride=2, padding=1, bias=False)
        self.norm2 = nn.BatchNorm2d(8)
        self.up2 = nn.ConvTranspose2d(8, 1, 4, stride=2, padding=1, bias=False)

    def forward(self, z: Tensor) -> Tensor:
        x = self.norm1(self.first(z).reshape(-1, 12, 4, 4)).relu()
        x = self.norm2(self.up1(x)).relu()
        return self.up2(x).tanh()


class Discriminator(nn.Module):
    """Shapes: (n, 1, 16, 16) -> (n,)."""

    def __init__(self) -> None:
        self.conv1 = nn.Conv2d(1, 8, 4, stride=2, padding=1)
        self.conv2 = nn.Conv2d(8, 12, 4, stride=2, padding=1, bias=False)
        self.norm2 = nn.BatchNorm2d(12)
        self.last = nn.Linear(12 * 4 * 4, 1)

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv1(x).leaky_relu(0.2)
        x = self.norm2(self.conv2(x)).leaky_relu(0.2)
        return self.last(x.flatten(1)).squeeze(1)


class Model(nn.Module):
    """Both; as a function, what the discriminator says of a generated image."""

    def __init__(self) -> None:
        self.generator = Generator()
        self.discriminator = Discriminator()

    def forward(self, z: Tensor) -> Tensor:
        """Shapes: (n, 10) -> (n,)."""
        return self.discriminator(self.generator(z))


def step_of(model: Model, optimizers: tuple[nn.Optimizer, nn.Optimizer]) -> Any:
    """One step of the discriminator and one of the generator; the sum of both losses."""
    of_generator, of_discriminator = optimizers

    def step(z: Tensor, images: Tensor) -> Tensor:
        made = model.generator(z)
        of_discriminator.zero_grad()
        real, fake = model.discriminator(images), model.discriminator(made.detach())
        judged = real.binary_cross_entropy_with_logits(real.ones_like())
        judged = judged + fake.binary_cross_entropy_with_logits(fake.zeros_like())
        judged.backward()
        of_discriminator.step()
        of_generator.zero_grad()
        fake = model.discriminator(made)
        fooled = fake.binary_cross_entropy_with_logits(fake.ones_like())
        fooled.backward()
        of_generator.step()
        return judged.detach() + fooled.detach()

    return step


def inputs(rng: Random, count: int = 6) -> Arrays:
    """Noise and images."""
    return rng.spread(count, NOISE), rng.spread(count, 1, 16, 16)


def their_step_of(torch: Any, model: Any, optimizers: Any) -> Any:
    """step_of in torch."""
    entropy = torch.nn.functional.binary_cross_entropy_with_logits
    of_generator, of_discriminator = optimizers

    def step(z: Any, images: Any) -> Any:
        made = model.generator(z)
        of_discriminator.zero_grad()
        real, fake = model.discriminator(images), model.discriminator(made.detach())
        judged = entropy(real, torch.ones_like(real))
        judged = judged + entropy(fake, torch.zeros_like(fake))
        judged.backward()
        of_discriminator.step()
        of_generator.zero_grad()
        fake = model.discriminator(made)
        fooled = entropy(fake, torch.ones_like(fake))
        fooled.backward()
        of_generator.step()
        return judged.detach() + fooled.detach()

    return step


def theirs(torch: Any) -> Any:
    """The model, and its step, in torch."""
    nn = torch.nn
    functional = nn.functional

    class Generator(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first = nn.Linear(NOISE, 12 * 4 * 4)
            self.norm1 = nn.BatchNorm2d(12)
            self.up1 = nn.ConvTranspose2d(12, 8, 4, stride=2, padding=1, bias=False)
            self.norm2 = nn.BatchNorm2d(8)
            self.up2 = nn.ConvTranspose2d(8, 1, 4, stride=2, padding=1, bias=False)

        def forward(self, z: Any) -> Any:
            x = self.norm1(self.first(z).reshape(-1, 12, 4, 4)).relu()
            x = self.norm2(self.up1(x)).relu()
            return self.up2(x).tanh()

    class Discriminator(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv1 = nn.Conv2d(1, 8, 4, stride=2, padding=1)
            self.conv2 = nn.Conv2d(8, 12, 4, stride=2, padding=1, bias=False)
            self.norm2 = nn.BatchNorm2d(12)
            self.last = nn.Linear(12 * 4 * 4, 1)

        def forward(self, x: Any) -> Any:
            x = functional.leaky_relu(self.conv1(x), 0.2)
            x = functional.leaky_relu(self.norm2(self.conv2(x)), 0.2)
            return self.last(x.flatten(1)).squeeze(1)

    class Model(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.generator = Generator()
            self.discriminator = Discriminator()

        def forward(self, z: Any) -> Any:
            return self.discriminator(self.generator(z))

    return Model, partial(their_step_of, torch)
