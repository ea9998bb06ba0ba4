#!lua flags=allow-oom
-- Stores the end of a song, or only checks that the song may end.
-- Arguments: id, lease, expected bytes, expected events; to store the end also: record (JSON), state, nanoseconds since
-- 1970, location in the object store, seconds for which sound and events stay in Redis
local id = ARGV[1]
if not is_lease(id, ARGV[2]) then return refused(id, ARGV[2]) end
if not unended(fields(id, 'state')[1]) then return {'done', usage()} end
local size, events = extent(id)
if size ~= tonumber(ARGV[3]) or events ~= tonumber(ARGV[4]) then return {'offset', usage(), size, events} end
if not ARGV[5] then return {'may', usage()} end
call('HSET', song_key(id), 'record', ARGV[5], 'state', ARGV[6], 'ended', ARGV[7], 'seal', ARGV[8], 'size', size,
    'events', events)
call('HDEL', song_key(id), 'request')
call('ZADD', 'm:ended', ARGV[7], id)
call('EXPIRE', 'm:sound:' .. id, ARGV[9])
call('EXPIRE', 'm:events:' .. id, ARGV[9])
call('EXPIRE', 'm:ears:' .. id, ARGV[9])
call('DEL', 'm:wanted:' .. id)
tell_news(id)
return {'done', usage()}
