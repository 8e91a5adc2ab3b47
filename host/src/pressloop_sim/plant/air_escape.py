"""Time that the air between the grains needs to leave a pellet while it is pressed.

Air flows through the pores by Darcy's law with the permeability of Kozeny and Carman,
k = e^3 d^2/(180 (1 - e)^2), e the porosity and d the size of the grains. In a pellet of height L
its pressure p then evens out as by diffusion, in the time

    t = mu e L^2/(k p)

with mu = 18 uPa s the viscosity of air and p the pressure to which the air of the loose powder is
compressed. At a relative density of 0.85 and with grains of 1 um that is 0.13-0.15 s for 1 mm and a
hundred times as long for 10 mm: a thick pellet of fine powder needs a slow ramp or a wait, else air
under pressure stays in it and can crack it in the release.
"""

_VISCOSITY_PA_S = 1.8e-5
_ATMOSPHERE_PA = 1.0e5


def air_escape_s(height_mm: float, density: float, loose_density: float, grain_um: float) -> float:
    """Return the time, s, for a pellet of a relative density; 0 for one without pores.

    Args:
        height_mm: Height of the pellet.
        density: Relative density of the pellet.
        loose_density: Relative density at which the air was enclosed at atmospheric pressure.
        grain_um: Size of the grains.
    """
    pores = 1.0 - density
    if pores <= 0.0 or density <= 0.0:
        return 0.0
    permeability_m2 = pores**3 * (grain_um * 1e-6) ** 2 / (180.0 * density * density)
    # The same air in the pores of the same grains.
    squeezed = (1.0 - loose_density) / loose_density * density / pores
    pressure_pa = _ATMOSPHERE_PA * max(squeezed, 1.0)
    height_m = height_mm * 1e-3
    return _VISCOSITY_PA_S * pores * height_m * height_m / (permeability_m2 * pressure_pa)
