#!lua flags=allow-oom
-- id, 'unheard': says whether a song may be deleted, as it has ended and nobody listens
-- id, 'ended': the same, also of one with listeners
-- id, 'forget', seconds: forgets a song that has ended; for so many seconds, of which there may be none, nothing puts it back
local id, seconds = ARGV[1], tonumber(ARGV[3] or 0)
local song = fields(id, 'state', 'caller', 'request_id', 'listed', 'size')
if unended(song[1]) then return {usage(), 0} end
if ARGV[2] == 'unheard' then return {usage(), 1 - heard(id, now())} end
if ARGV[2] == 'ended' then return {usage(), song[1] and 1 or 0} end
call('ZREM', 'm:ended', id)
-- An answer was lost: it is done.
if not song[1] then return {usage(), call('EXISTS', deleted_key(id))} end
settle(id, now(), nil)
call('ZREM', 'm:songs:' .. song[2], song[4])
call('ZREM', request_key(song[2], song[3]), song[4])
call('UNLINK', song_key(id), 'm:sound:' .. id, 'm:events:' .. id, 'm:ears:' .. id, 'm:wanted:' .. id)
if seconds > 0 then call('SET', deleted_key(id), '', 'EX', seconds) end
use(-1, 0 - tonumber(song[5]))
tell_news(id)
return {usage(), 1}
