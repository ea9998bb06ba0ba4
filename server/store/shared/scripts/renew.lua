#!lua flags=allow-oom
-- Renews the leases of songs.
-- Arguments: lease seconds, then id and lease of each song
-- Returns for each song: 1 if the lease is valid, 0 if another lease is or the song has ended, -1 if Redis has lost the
-- lease; then 1 if the song is cancelled, 1 if it has listeners, and the furthest byte that these have reached.
local at, answers = now(), {}
local till = text(at + tonumber(ARGV[1]))
for index = 2, #ARGV, 2 do
    local id = ARGV[index]
    local song = fields(id, 'state', 'cancelled')
    if unended(song[1]) and is_lease(id, ARGV[index + 1]) then
        call('ZADD', 'm:leases', till, id)
        local wanted, present = 0, call('ZRANGEBYSCORE', 'm:ears:' .. id, '(' .. text(at), '+inf')
        for _, replica in ipairs(present) do
            wanted = math.max(wanted, tonumber(call('HGET', 'm:wanted:' .. id, replica) or 0))
        end
        answers[#answers + 1] = {1, song[2] and 1 or 0, #present > 0 and 1 or 0, wanted}
    else
        answers[#answers + 1] = {forgotten(id, ARGV[index + 1]) and -1 or 0, 0, 0, 0}
    end
end
return answers
