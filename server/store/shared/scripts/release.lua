#!lua flags=allow-oom
-- Releases a song that has not ended: it waits again or, if a part of it is stored, counts as lost.
-- Arguments: id, lease, nonce of the call
local id, lease = ARGV[1], ARGV[2]
local song = fields(id, 'state', 'released', 'engine', 'caller', 'order')
-- The response to an earlier call was lost: the song is already released.
if song[2] == ARGV[3] then return 1 end
if not unended(song[1]) or not is_lease(id, lease) then return 0 end
call('HSET', song_key(id), 'lease', '', 'nonce', '', 'released', ARGV[3])
local _, events = extent(id)
call('SREM', 'm:making:' .. song[4], id)
call('ZREM', 'm:offered', id)
if events == 0 and not has_sound(id) then
    call('ZREM', 'm:leases', id)
    call('ZADD', 'm:queue:' .. song[3], song[5], id)
else
    call('ZADD', 'm:leases', text(now()), id)
end
tell_news(id)
wake_all()
return 1
