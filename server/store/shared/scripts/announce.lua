#!lua flags=allow-oom
-- replica, seconds, engines (JSON)
local at = now()
for _, gone in ipairs(call('ZRANGEBYSCORE', 'm:replicas', '-inf', text(at))) do
    call('ZREM', 'm:replicas', gone)
    call('HDEL', 'm:engines', gone)
end
call('ZADD', 'm:replicas', text(at + tonumber(ARGV[2])), ARGV[1])
call('HSET', 'm:engines', ARGV[1], ARGV[3])
return 1
