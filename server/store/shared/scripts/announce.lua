#!lua flags=allow-oom
-- Stores for some seconds the engines that a replica (server) serves, in place of its last announcement.
-- Arguments: replica, seconds, engines (JSON), then name and JSON of each engine
-- If songs wait for an engine that no replica served, its first announcement measures the start time of a replica.
-- The other replicas are woken if this replica begins or ceases to serve an engine.
local replica, at = ARGV[1], now()
local till, announced, changed = at + tonumber(ARGV[2]), {}, false
local most_kept = 64

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
call('ZADD', 'm:replicas', text(till), replica)
call('HSET', 'm:engines', replica, ARGV[3])
for index = 4, #ARGV, 2 do
    local name = ARGV[index]
    local gone_at, before = served_till(name), call('ZSCORE', 'm:serving:' .. name, replica)
    changed = changed or not before or tonumber(before) <= at
    if not gone_at or gone_at <= at then note_start(name, gone_at) end
    call('ZADD', 'm:serving:' .. name, text(till), replica)
    call('ZREMRANGEBYRANK', 'm:serving:' .. name, 0, -1 - most_kept)
    call('HSET', 'm:known', name, ARGV[index + 1])
    announced[name] = true
end
-- The announcements of engines that the replica no longer serves end now.
for _, name in ipairs(call('HKEYS', 'm:known')) do
    local served = not announced[name] and call('ZSCORE', 'm:serving:' .. name, replica)
    if served and tonumber(served) > at then
        call('ZADD', 'm:serving:' .. name, text(at), replica)
        changed = true
    end
end
if changed then wake_all() end
return 1
