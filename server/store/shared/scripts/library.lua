-- Functions that all scripts share; this text is inserted into each script. The keys in Redis:
--   m:song:{id}         hash: record (JSON), state, request, quota and weight of the caller, lease
--   m:sound:{id}        string: the sound;  m:events:{id}  list: the events
--   m:ears:{id}         sorted set: replica -> time until which its listeners count as present
--   m:wanted:{id}       hash: replica -> furthest byte that its listeners have reached
--   m:deleted:{id}      string, for a day: the song was deleted by its caller
--   m:service           sorted set: waiting and running songs -> order of admission
--   m:queue:{engine}    sorted set: waiting songs -> order of admission
--   m:leases            sorted set: running songs -> end of their lease, or time at which a replica released them
--   m:offered           sorted set: songs that their replicas offer to others -> order of admission
--   m:open:{caller}     set: waiting and running songs of the caller;  m:making:{caller}  set: running songs
--   m:account:{caller}  hash: token buckets under the caller's quota
--   m:songs:{caller}    sorted set by name: "created:id" of the caller's songs
--   m:requests:{caller length}:{caller}:{request id}  sorted set by name: "created:id" of songs with that request id
--   m:ended             sorted set: songs that have ended -> time of the end
--   m:usage             hash: number of songs, bytes of sound, number of changes to both
--   m:replicas          sorted set: replica -> end of its announcement;  m:engines  hash: replica -> engines (JSON)
--   m:known             hash: engine -> its last announcement (JSON)
--   m:serving:{engine}  sorted set: replica -> end of its announcement of the engine, past ones included
--   m:starts            hash: engine -> mean seconds that songs waited for a replica to start
--   m:demand:{engine}   list: songs that have not ended; its length is for autoscalers
--   m:answer:{nonce}    string: the song that a call assigned, in case the response was lost
local call = redis.call

local function unended(state) return state == 'queued' or state == 'running' end

local function song_key(id) return 'm:song:' .. id end

local function deleted_key(id) return 'm:deleted:' .. id end

local function request_key(caller, request_id) return 'm:requests:' .. #caller .. ':' .. caller .. ':' .. request_id end

local function text(number) return string.format('%.17g', number) end

local function fields(id, ...) return call('HMGET', song_key(id), ...) end

local function extent(id) return call('STRLEN', 'm:sound:' .. id), call('LLEN', 'm:events:' .. id) end

-- Returns true if listeners may have got sound of a song.
local function has_sound(id) return extent(id) > 0 or call('HEXISTS', song_key(id), 'heard') == 1 end

local function usage()
    local now = call('HMGET', 'm:usage', 'songs', 'bytes', 'changes')
    return {tonumber(now[1] or 0), tonumber(now[2] or 0), tonumber(now[3] or 0)}
end

local function use(songs, bytes)
    if songs ~= 0 then call('HINCRBY', 'm:usage', 'songs', songs) end
    call('HINCRBY', 'm:usage', 'bytes', bytes)
    call('HINCRBY', 'm:usage', 'changes', 1)
end

-- Returns 1 if a song has listeners on any replica, else 0.
local function heard(id, at) return call('ZCOUNT', 'm:ears:' .. id, '(' .. text(at), '+inf') > 0 and 1 or 0 end

local function tell_news(id) call('PUBLISH', 'm:news', id) end

local function wake(replica) if replica and replica ~= '' then call('PUBLISH', 'm:wake:' .. replica, '') end end

local function wake_all() call('PUBLISH', 'm:wake', '') end

-- Returns the time at which the last announcement of an engine ends or has ended; nil if there was none.
local function served_till(engine)
    local last = call('ZREVRANGE', 'm:serving:' .. engine, 0, 0, 'WITHSCORES')
    return last[2] and tonumber(last[2])
end

-- Returns true if a lease, "epoch:nonce:replica", is the present lease of the song.
local function is_lease(id, lease) return fields(id, 'lease')[1] == lease end

-- Returns 1 if a song was deleted by its caller, else 0.
local function deleted(id) return call('EXISTS', song_key(id)) == 0 and call('EXISTS', deleted_key(id)) or 0 end

-- Returns true if Redis has lost a lease: it has no data of the song, or only data from before the lease.
local function forgotten(id, lease)
    local epoch = fields(id, 'epoch')[1]
    if not epoch then return deleted(id) == 0 end
    return tonumber(epoch) < tonumber(string.match(lease, '^%d+'))
end

-- Returns the response to a replica that may not write a song: the reason, and the usage of the store.
local function refused(id, lease)
    if deleted(id) == 1 then return {'deleted', usage()} end
    return {forgotten(id, lease) and 'forgotten' or 'lost', usage()}
end

-- Returns the level of a token bucket that holds `capacity` and fills up in `seconds`.
local function level(key, name, capacity, seconds, at)
    local was = call('HMGET', key, name, name .. '_at')
    if not was[1] then return capacity end
    return math.min(capacity, tonumber(was[1]) + (at - tonumber(was[2])) * capacity / seconds)
end

local function take(key, name, capacity, seconds, at, amount)
    local left = math.min(capacity, level(key, name, capacity, seconds, at) - amount)
    call('HSET', key, name, text(left), name .. '_at', text(at))
    -- A bucket that is full again is deleted, because a missing bucket counts as full.
    local full = math.ceil((capacity - left) * seconds / capacity) + 60
    if full > call('TTL', key) then call('EXPIRE', key, full) end
end

-- Releases the slot and the quota of a song. `sound_seconds` is the length of its sound; nil: as charged at admission.
local function settle(id, at, sound_seconds)
    local song = fields(id, 'settled', 'caller', 'charged', 'quota', 'sound_capacity')
    call('ZREM', 'm:leases', id)
    call('ZREM', 'm:offered', id)
    call('ZREM', 'm:service', id)
    if not song[2] or song[1] then return end
    call('HSET', song_key(id), 'settled', '1')
    call('SREM', 'm:open:' .. song[2], id)
    call('SREM', 'm:making:' .. song[2], id)
    local account, capacity = 'm:account:' .. song[2], tonumber(song[5])
    if not sound_seconds or not capacity then return end
    -- A missing account counts as full. After a change of the quota the account is a new one, which is not charged.
    if (call('HGET', account, 'quota') or song[4]) == song[4] then
        call('HSET', account, 'quota', song[4])
        take(account, 'sound', capacity, 3600, at, sound_seconds - tonumber(song[3]))
    end
end

-- Deletes all data of a song. `sound_seconds` has the meaning as in `settle`.
local function erase(id, sound_seconds)
    local song = fields(id, 'caller', 'request_id', 'listed', 'size')
    settle(id, now(), sound_seconds)
    call('ZREM', 'm:songs:' .. song[1], song[3])
    call('ZREM', request_key(song[1], song[2]), song[3])
    call('UNLINK', song_key(id), 'm:sound:' .. id, 'm:events:' .. id, 'm:ears:' .. id, 'm:wanted:' .. id)
    use(-1, 0 - tonumber(song[4]))
    tell_news(id)
end

-- Returns the songs whose lease has expired, in the order of admission. Songs that have ended are settled instead.
local function lost_songs(at)
    local found, expired = {}, call('ZRANGEBYSCORE', 'm:leases', '-inf', text(at), 'WITHSCORES')
    for index = 1, #expired, 2 do
        local id = expired[index]
        local song = fields(id, 'state', 'order')
        if unended(song[1]) then
            found[#found + 1] = {id = id, since = tonumber(expired[index + 1]), order = tonumber(song[2])}
        else
            settle(id, at, nil)
        end
    end
    table.sort(found, function(one, other) return one.order < other.order end)
    return found
end

-- Assigns a song to a replica, with a lease until the time `till`. `task` is the action, `sound` the replica's sound
-- fingerprint; if the replica only ends the song, the fingerprint of the earlier replica stays.
local function give(id, replica, nonce, till, task, sound)
    local song = fields(id, 'engine', 'caller', 'settled', 'owner')
    call('ZREM', 'm:queue:' .. song[1], id)
    call('ZREM', 'm:offered', id)
    if not song[3] then call('SADD', 'm:making:' .. song[2], id) end
    call('ZADD', 'm:leases', text(till), id)
    local epoch = call('HINCRBY', song_key(id), 'epoch', 1)
    call('HSET', song_key(id), 'owner', replica, 'nonce', nonce, 'lease', epoch .. ':' .. nonce .. ':' .. replica, 'task', task)
    if task == 'make' or task == 'take' then call('HSET', song_key(id), 'made', sound) end
    call('HDEL', song_key(id), 'released')
    call('SET', 'm:answer:' .. nonce, id, 'EX', 60)
    if song[4] ~= replica then wake(song[4]) end
end

-- Returns the fields of an assigned song, from which the replica builds a Claim.
local function claimed(id, at)
    local song = fields(id, 'record', 'state', 'owner', 'epoch', 'request', 'linger', 'deadline', 'task', 'made',
        'weight', 'charged', 'quota', 'sound_capacity')
    local size, events = extent(id)
    local left = song[7] and text(tonumber(song[7]) - at) or false
    return {id, song[1], song[2], song[3], song[4], size, events, song[5], song[6], left, song[8] or 'make', song[9] or '',
        has_sound(id) and 1 or 0, song[10], song[11], song[12], song[13]}
end

-- Returns the ids of the songs to skip (the fourth argument is their number), and the index of the argument after them.
local function left_songs()
    local left, count = {}, tonumber(ARGV[4])
    for index = 5, 4 + count do left[ARGV[index]] = true end
    return left, 5 + count
end

-- Returns the song that this same call has already assigned, if its response was lost.
local function answered(nonce, at)
    local id = call('GET', 'm:answer:' .. nonce)
    if id and fields(id, 'nonce')[1] == nonce then return claimed(id, at) end
end
