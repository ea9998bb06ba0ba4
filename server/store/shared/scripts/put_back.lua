#!lua
-- Registers a running song again that Redis has lost, or of which Redis only has data from before its present lease.
-- Arguments: lease seconds, lease, claim (JSON), record (JSON), request
-- The song is registered without sound and events, and without a deadline, which only concerns waiting songs. The
-- caller's quota is charged again. If sound was stored before, the song counts as heard, so that only identical sound
-- follows. Returns 1; 2 if an earlier call has done so; 0 if the song has another lease or has ended.
local claim, record, request = cjson.decode(ARGV[3]), ARGV[4], ARGV[5]
local id, key, caller, at = claim.song_id, song_key(claim.song_id), claim.caller, now()
if not forgotten(id, ARGV[2]) then return is_lease(id, ARGV[2]) and 2 or 0 end
local known = fields(id, 'state')[1]
if known and not unended(known) then return 0 end
local listed = claim.created .. ':' .. id
if not known then
    call('HSET', key, 'caller', caller, 'engine', claim.engine, 'request_id', claim.request_id, 'fingerprint', claim.fingerprint,
        'listed', listed, 'order', call('INCR', 'm:sequence'), 'ticket', '', 'weight', text(claim.weight),
        'charged', text(claim.charged_seconds), 'quota', claim.quota, 'admitted', text(at))
    if claim.sound_capacity ~= cjson.null then
        local account = 'm:account:' .. caller
        call('HSET', key, 'sound_capacity', text(claim.sound_capacity))
        if (call('HGET', account, 'quota') or claim.quota) == claim.quota then
            call('HSET', account, 'quota', claim.quota)
            take(account, 'sound', claim.sound_capacity, 3600, at, claim.charged_seconds)
        end
    end
    call('ZADD', 'm:songs:' .. caller, 0, listed)
    call('ZADD', request_key(caller, claim.request_id), 0, listed)
    use(1, 0)
end
if claim.heard or has_sound(id) then call('HSET', key, 'heard', '1') end
use(0, 0 - call('STRLEN', 'm:sound:' .. id))
call('DEL', 'm:sound:' .. id, 'm:events:' .. id)
call('HSET', key, 'record', record, 'state', 'queued', 'request', request, 'size', '0', 'epoch', claim.epoch,
    'owner', claim.replica, 'nonce', claim.nonce, 'lease', ARGV[2], 'task', 'make', 'made', claim.sound)
call('HDEL', key, 'released')
call('ZREM', 'm:queue:' .. claim.engine, id)
call('ZREM', 'm:offered', id)
call('ZADD', 'm:service', call('HGET', key, 'order'), id)
call('ZADD', 'm:leases', text(at + tonumber(ARGV[1])), id)
call('SADD', 'm:open:' .. caller, id)
call('SADD', 'm:making:' .. caller, id)
if claim.linger_seconds ~= cjson.null then
    -- The replicas report the listeners of the song again within seconds.
    call('HSET', key, 'linger', text(claim.linger_seconds))
    call('ZADD', 'm:ears:' .. id, text(at + math.max(claim.linger_seconds, claim.attend_seconds)), claim.replica)
end
tell_news(id)
return 1
