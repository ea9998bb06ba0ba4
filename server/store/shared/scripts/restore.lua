#!lua
-- Registers an ended song again, which the object store has. A song that Redis has is not changed, unless it runs under
-- that lease. A song that was deleted meanwhile stays deleted.
-- Arguments: id, record (JSON), state, owner, epoch, caller, request id, fingerprint, engine, created:id, ended, size,
-- location in the object store, events, lease
local id, key = ARGV[1], song_key(ARGV[1])
if deleted(id) == 1 then return 0 end
local known, live = call('EXISTS', key), call('STRLEN', 'm:sound:' .. id)
if known == 1 then
    if not unended(fields(id, 'state')[1]) or not is_lease(id, ARGV[15]) then return 0 end
    settle(id, now(), nil)
    call('HDEL', key, 'request')
    call('UNLINK', 'm:sound:' .. id, 'm:events:' .. id, 'm:wanted:' .. id)
    call('EXPIRE', 'm:ears:' .. id, 60)
end
call('HSET', key, 'record', ARGV[2], 'state', ARGV[3], 'owner', ARGV[4], 'epoch', ARGV[5], 'nonce', '', 'lease', '', 'caller', ARGV[6],
    'request_id', ARGV[7], 'fingerprint', ARGV[8], 'engine', ARGV[9], 'listed', ARGV[10], 'ended', ARGV[11], 'size', ARGV[12],
    'seal', ARGV[13], 'events', ARGV[14], 'settled', '1')
call('ZADD', 'm:songs:' .. ARGV[6], 0, ARGV[10])
call('ZADD', request_key(ARGV[6], ARGV[7]), 0, ARGV[10])
call('ZADD', 'm:ended', ARGV[11], id)
use(1 - known, tonumber(ARGV[12]) - live)
tell_news(id)
return 1
