#!lua flags=allow-oom
-- id: forgets a song that has ended; or id, 'ask': says whether it may be deleted, as nobody listens
local id = ARGV[1]
local song = fields(id, 'state', 'caller', 'request_id', 'listed', 'size', 'seal')
if unended(song[1]) then return {usage(), 0, ''} end
if ARGV[2] then return {usage(), 1 - heard(id, now()), ''} end
call('ZREM', 'm:ended', id)
if not song[1] then return {usage(), 0, ''} end
settle(id, now(), nil)
call('ZREM', 'm:songs:' .. song[2], song[4])
call('ZREM', request_key(song[2], song[3]), song[4])
call('UNLINK', song_key(id), 'm:sound:' .. id, 'm:events:' .. id, 'm:ears:' .. id, 'm:wanted:' .. id)
use(-1, 0 - tonumber(song[5]))
return {usage(), 1, song[6] or ''}
