#!lua
-- Admits a song to the service, or finds the caller's earlier song with the same request id.
-- Arguments: nonce, replica, lease seconds, ticket (JSON), record (JSON), request, 1 if memory is nearly full
local nonce, replica, lease, record, request = ARGV[1], ARGV[2], tonumber(ARGV[3]), ARGV[5], ARGV[6]
local ticket = cjson.decode(ARGV[4])
local id, caller, at = ticket.song_id, ticket.caller, now()
lost_songs(at)

local function present(value) return value ~= nil and value ~= cjson.null end

local function admitted(position)
    if fields(id, 'nonce')[1] == nonce then return {'claimed', position, claimed(id, at)} end
    return {'waits', position}
end

local function refusal()
    local mine = call('SCARD', 'm:open:' .. caller)
    local songs = call('ZCARD', 'm:service')
    if songs >= ticket.max_songs - (mine > 0 and ticket.kept_songs or 0) then return {'full', songs} end
    local account, quota = 'm:account:' .. caller, ticket.quota
    if call('HGET', account, 'quota') ~= ticket.signature then call('DEL', account) end
    if present(quota.concurrent_songs) and mine >= quota.concurrent_songs then return {'quota', 'concurrent_songs', '0'} end
    if present(quota.songs_per_minute) then
        local capacity, seconds = ticket.songs_capacity, ticket.songs_seconds
        local missing = 1 - level(account, 'songs', capacity, seconds, at)
        if missing > 0 then return {'quota', 'songs_per_minute', text(missing * seconds / capacity)} end
    end
    if present(quota.audio_seconds_per_hour) then
        local capacity = quota.audio_seconds_per_hour
        -- A caller with a negative balance of sound waits even if the length of the next song is unknown.
        local missing = math.min(math.max(ticket.sound_seconds, 1), capacity) - level(account, 'sound', capacity, 3600, at)
        if missing > 0 then return {'quota', 'audio_seconds_per_hour', text(missing * 3600 / capacity)} end
    end
end

local function charge()
    local account, quota = 'm:account:' .. caller, ticket.quota
    local songs, sound = present(quota.songs_per_minute), present(quota.audio_seconds_per_hour)
    if songs then take(account, 'songs', ticket.songs_capacity, ticket.songs_seconds, at, 1) end
    if sound then take(account, 'sound', quota.audio_seconds_per_hour, 3600, at, ticket.sound_seconds) end
    if songs or sound then call('HSET', account, 'quota', ticket.signature) end
    if sound then call('HSET', song_key(id), 'sound_capacity', text(quota.audio_seconds_per_hour)) end
end

local function keep()
    local key, listed = song_key(id), ticket.created .. ':' .. id
    call('HSET', key, 'record', record, 'state', 'queued', 'owner', '', 'epoch', '0', 'nonce', '', 'lease', '', 'request', request,
        'caller', caller, 'engine', ticket.engine, 'request_id', ticket.request_id, 'fingerprint', ticket.fingerprint,
        'listed', listed, 'order', call('INCR', 'm:sequence'), 'ticket', nonce, 'weight', text(ticket.weight),
        'charged', text(ticket.sound_seconds), 'quota', ticket.signature, 'size', '0', 'admitted', text(at))
    if present(ticket.steps) then call('HSET', key, 'steps', ticket.steps) end
    if present(ticket.linger_seconds) then call('HSET', key, 'linger', text(ticket.linger_seconds)) end
    if present(ticket.deadline_seconds) then call('HSET', key, 'deadline', text(at + ticket.deadline_seconds)) end
    call('ZADD', 'm:songs:' .. caller, 0, listed)
    call('ZADD', request_key(caller, ticket.request_id), 0, listed)
    call('SADD', 'm:open:' .. caller, id)
    use(1, 0)
    if ticket.attend_seconds > 0 then call('ZADD', 'm:ears:' .. id, text(at + ticket.attend_seconds), replica) end
end

-- The response to an earlier call was lost: the song is already admitted.
if fields(id, 'ticket')[1] == nonce then return admitted(call('ZRANK', 'm:service', id) or 0) end
if call('EXISTS', song_key(id)) == 1 then return {'taken'} end
if ticket.repeatable then
    local newest = call('ZREVRANGEBYLEX', request_key(caller, ticket.request_id), '+', '-', 'LIMIT', 0, 1)[1]
    local known = newest and string.sub(newest, #ticket.created + 2)
    local song = known and fields(known, 'state', 'fingerprint', 'failing')
    if song and ((unended(song[1]) and not song[3]) or song[1] == 'completed') then
        return {'known', known, song[2]}
    end
end
local refused = ARGV[7] == '1' and {'short'} or refusal()
if refused then return refused end
local position, queue = call('ZCARD', 'm:service'), 'm:queue:' .. ticket.engine
keep()
charge()
local order = call('HGET', song_key(id), 'order')
call('ZADD', 'm:service', order, id)
if ticket.take and call('ZCARD', queue) == 0 then
    give(id, replica, nonce, at + lease, 'make', ticket.sound or '')
else
    call('ZADD', queue, order, id)
    wake_all()
end
return admitted(position)
