"""The Linearizer f = g_y^-1 A g_x: invertible maps, a solved operator between, its algebra."""
