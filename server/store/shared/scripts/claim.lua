#!lua
-- Assigns the next waiting song to a replica: the oldest song of the caller with the fewest running songs per weight.
-- Arguments: nonce, replica, lease seconds, number of songs to skip, their ids, then name and sound fingerprint of each
-- engine
local nonce, at = ARGV[1], now()
local before = answered(nonce, at)
if before then return before end
lost_songs(at)
local oldest, sounds, left, first = {}, {}, left_songs()
for index = first, #ARGV, 2 do
    sounds[ARGV[index]] = ARGV[index + 1]
    local waiting = call('ZRANGE', 'm:queue:' .. ARGV[index], 0, -1, 'WITHSCORES')
    for place = 1, #waiting, 2 do
        local id, order = waiting[place], tonumber(waiting[place + 1])
        local song = fields(id, 'caller', 'weight')
        local other = oldest[song[1]]
        if not left[id] and (not other or order < other.order) then oldest[song[1]] = {id = id, order = order, weight = tonumber(song[2])} end
    end
end
local best, best_share
for caller, song in pairs(oldest) do
    local share = call('SCARD', 'm:making:' .. caller) / song.weight
    if not best or share < best_share or (share == best_share and song.order < best.order) then best, best_share = song, share end
end
if not best then return false end
give(best.id, ARGV[2], nonce, at + tonumber(ARGV[3]), 'make', sounds[fields(best.id, 'engine')[1]])
return claimed(best.id, at)
