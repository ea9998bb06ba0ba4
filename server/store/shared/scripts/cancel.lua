#!lua flags=allow-oom
-- Cancels a song: a waiting song is assigned to the replica, which must end it; a running song is marked as cancelled.
-- Arguments: nonce, replica, lease seconds, id
local nonce, id, at = ARGV[1], ARGV[4], now()
local before = answered(nonce, at)
if before then return before end
local song = fields(id, 'state', 'engine', 'owner')
if not unended(song[1]) then return false end
if not call('ZSCORE', 'm:queue:' .. song[2], id) then
    call('HSET', song_key(id), 'cancelled', '1')
    wake(song[3])
    return false
end
give(id, ARGV[2], nonce, at + tonumber(ARGV[3]), 'cancel', '')
return claimed(id, at)
