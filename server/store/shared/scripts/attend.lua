#!lua flags=allow-oom
-- Stores the report of a replica on the listeners of songs.
-- Arguments: replica, then for each song its id, the furthest byte, and seconds for which listeners count as present
local replica, at = ARGV[1], now()
for index = 2, #ARGV, 3 do
    local id, wanted, seconds = ARGV[index], ARGV[index + 1], tonumber(ARGV[index + 2])
    local song, ears = fields(id, 'state', 'owner'), 'm:ears:' .. id
    if song[1] and not unended(song[1]) then
        -- Songs that have ended are recorded, too, so that they are not evicted while they have listeners.
        if seconds > 0 then
            call('ZADD', ears, text(at + seconds), replica)
            if call('TTL', ears) <= seconds then call('EXPIRE', ears, math.ceil(seconds) + 1) end
        else
            call('ZREM', ears, replica)
        end
    elseif song[1] then
        local changed = call('HGET', 'm:wanted:' .. id, replica) ~= wanted
        if seconds > 0 then
            local till = call('ZSCORE', ears, replica)
            changed = changed or not till or tonumber(till) <= at
            call('ZADD', ears, text(at + seconds), replica)
            call('HSET', 'm:wanted:' .. id, replica, wanted)
        else
            changed = call('ZREM', ears, replica) == 1
            call('HDEL', 'm:wanted:' .. id, replica)
        end
        if changed then wake(song[2]) end
    end
end
return 1
