#!lua flags=allow-oom
-- Releases the slot and the quota of a song that has ended, and charges its caller for the sound.
-- Arguments: id, lease, state, seconds of sound
-- A song whose end is not stored yet keeps its lease. Unless it is complete, its request may be repeated for a new one.
local id, lease = ARGV[1], ARGV[2]
if not is_lease(id, lease) then return 0 end
local open = unended(fields(id, 'state')[1])
if open and ARGV[3] ~= 'completed' then call('HSET', song_key(id), 'failing', '1') end
local till = call('ZSCORE', 'm:leases', id)
settle(id, now(), tonumber(ARGV[4]))
if open and till then call('ZADD', 'm:leases', till, id) end
return 1
