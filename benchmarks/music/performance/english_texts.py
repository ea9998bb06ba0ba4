"""English lyrics for measuring how many sung words are understood. The singing may be tuned on `TUNING`, never on
`HELD_OUT`.
"""

_TUNED = (
    """[verse]
I saw the morning on the water
the little boats were coming in
you gave me bread and yellow flowers
and asked me where the days had been
[chorus]
come back home before the winter
come back home before the snow
""",
    """[verse]
We are driving through the city
all the lights are turning green
in the window there is music
from a place we have not seen
[chorus]
take my hand and keep on dancing
do not stop until the day
""",
    """[verse]
My father had a wooden table
he made it with an old friend's saw
we sat around it every evening
and talked about the things we saw
[chorus]
oh the house is still and empty
but the table waits for me
""",
    """[verse]
There is a bird outside my window
she sings a song I used to know
it takes me over fields and rivers
to a town from long ago
[chorus]
fly away and tell my mother
that I miss her every night
""",
)

_HELD_OUT = (
    """[verse]
The road is long but I am walking
with dusty shoes and open eyes
I left my trouble at the station
and traded it for clear blue skies
[chorus]
let the wind decide the journey
let the sun go down behind
""",
    """[verse]
Hello my friend it is so good to see you
how many years have passed us by
we used to climb the highest mountain
and watch the planes across the sky
[chorus]
stay a while and drink your coffee
tell me all about your life
""",
    """[verse]
A silver moon is on the ocean
the fishermen have gone to bed
I write your name upon the paper
with all the words I never said
[chorus]
love is like a ship at midnight
love is like a distant light
""",
    """[verse]
Turn the radio up louder
we have nothing left to lose
every step we take together
brings us closer to the truth
[chorus]
jump and shout and feel the thunder
we are young and we are free
""",
    """[verse]
Grandma keeps a box of letters
underneath the kitchen stairs
pictures of a handsome soldier
with the sunlight in his hair
[chorus]
time can never break a promise
time can never dry the tears
""",
    """[verse]
Sleep my baby close your fingers
all the stars are shining bright
daddy's working in the garden
he will kiss you soon good night
[chorus]
dream of horses dream of castles
dream until the morning bell
""",
    """[verse]
I lost my job on Monday evening
I lost my keys the following day
but then I met you at the market
and all my troubles went away
[chorus]
baby you're a glass of water
in the middle of the heat
""",
    """[verse]
Snow is falling on the chimney
children laughing in the street
someone plays an old piano
and the town is warm and sweet
[chorus]
ring the bells and bring the candles
everybody sing along
""",
)

TUNING = tuple((31 + number, text) for number, text in enumerate(_TUNED))
HELD_OUT = tuple((931 + number, text) for number, text in enumerate(_HELD_OUT))
"""Pairs of a seed and lyrics, each for one song; the songs take the styles in turn."""
