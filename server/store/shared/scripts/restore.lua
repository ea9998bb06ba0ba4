#!lua
-- id, record (JSON), state, owner, epoch, caller, request id, fingerprint, engine, created:id, ended, size, seal, events
-- Takes a sealed song up into the directory again; without effect on one that is there.
local id, key = ARGV[1], song_key(ARGV[1])
if call('EXISTS', key) == 1 then return 0 end
call('HSET', key, 'record', ARGV[2], 'state', ARGV[3], 'owner', ARGV[4], 'epoch', ARGV[5], 'nonce', '', 'lease', '', 'caller', ARGV[6],
    'request_id', ARGV[7], 'fingerprint', ARGV[8], 'engine', ARGV[9], 'listed', ARGV[10], 'ended', ARGV[11], 'size', ARGV[12],
    'seal', ARGV[13], 'events', ARGV[14], 'settled', '1')
call('ZADD', 'm:songs:' .. ARGV[6], 0, ARGV[10])
call('ZADD', request_key(ARGV[6], ARGV[7]), 0, ARGV[10])
call('ZADD', 'm:ended', ARGV[11], id)
use(1, tonumber(ARGV[12]))
return 1
