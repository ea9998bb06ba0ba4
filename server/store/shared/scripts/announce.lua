#!lua flags=allow-oom
-- replica, seconds, engines (JSON), then name and JSON of each engine
-- The first announcement of an engine that nobody served, while songs wait for it, measures how long a start takes.
local at = now()
local till = at + tonumber(ARGV[2])

local function note_start(name, gone_at)
    local oldest = call('ZRANGE', 'm:queue:' .. name, 0, 0)[1]
    local admitted = oldest and tonumber(fields(oldest, 'admitted')[1] or nil)
    if not admitted then return end
    local seconds, before = at - math.max(admitted, gone_at or 0), tonumber(call('HGET', 'm:starts', name) or nil)
    call('HSET', 'm:starts', name, text(before and (before + seconds) / 2 or seconds))
end

for _, gone in ipairs(call('ZRANGEBYSCORE', 'm:replicas', '-inf', text(at))) do
    call('ZREM', 'm:replicas', gone)
    call('HDEL', 'm:engines', gone)
end
call('ZADD', 'm:replicas', text(till), ARGV[1])
call('HSET', 'm:engines', ARGV[1], ARGV[3])
for index = 4, #ARGV, 2 do
    local name = ARGV[index]
    local served_till = tonumber(call('HGET', 'm:served', name) or nil)
    if not served_till or served_till <= at then note_start(name, served_till) end
    call('HSET', 'm:served', name, text(math.max(till, served_till or 0)))
    call('HSET', 'm:known', name, ARGV[index + 1])
end
return 1
