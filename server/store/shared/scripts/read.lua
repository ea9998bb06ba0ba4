#!lua flags=allow-oom
-- Returns the record of a song with a part of its sound and events, all from one moment.
-- Arguments: id, first byte, maximum number of bytes, first event (missing: no events)
-- `live` is 0 if sound and events are no longer in Redis. For a missing song: 1 if it was deleted, else 0.
local id, first = ARGV[1], tonumber(ARGV[2])
local song = fields(id, 'record', 'state', 'owner', 'epoch', 'size', 'seal', 'ended', 'events')
if not song[1] then return {usage(), deleted(id)} end
local size, count = extent(id)
local live = (not song[6] or (size == tonumber(song[5]) and count == tonumber(song[8]))) and 1 or 0
local sound = tonumber(ARGV[3]) > 0 and call('GETRANGE', 'm:sound:' .. id, first, first + tonumber(ARGV[3]) - 1) or ''
local events = ARGV[4] and call('LRANGE', 'm:events:' .. id, ARGV[4], -1) or {}
return {usage(), song, live, size, count, sound, events}
