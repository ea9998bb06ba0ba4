-- Time of the Redis server in seconds since 1970. The clocks of replicas do not matter.
local function now()
    local time = redis.call('TIME')
    return tonumber(time[1]) + tonumber(time[2]) / 1e6
end
