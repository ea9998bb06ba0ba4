#!lua
-- Appends sound and events to a running song, if its stored part has the expected length.
-- Arguments: id, lease, expected bytes, expected events, record (JSON), state, sound, events...
local id = ARGV[1]
if not unended(fields(id, 'state')[1]) or not is_lease(id, ARGV[2]) then return refused(id, ARGV[2]) end
local size, events = extent(id)
if size ~= tonumber(ARGV[3]) or events ~= tonumber(ARGV[4]) then return {'offset', usage(), size, events} end
if #ARGV[7] > 0 then size = call('APPEND', 'm:sound:' .. id, ARGV[7]) end
for index = 8, #ARGV do call('RPUSH', 'm:events:' .. id, ARGV[index]) end
call('HSET', song_key(id), 'record', ARGV[5], 'state', ARGV[6], 'size', size)
use(0, #ARGV[7])
tell_news(id)
return {'ok', usage()}
