#!lua flags=allow-oom
-- id, lease
-- Forgets a song that has ended and that nobody can want, under the lease of its maker: nothing was made of it.
local id, lease = ARGV[1], ARGV[2]
local song = fields(id, 'state', 'caller', 'request_id', 'listed', 'size')
if not is_lease(id, lease) or not unended(song[1]) then return refused(id, lease) end
settle(id, now(), 0)
call('ZREM', 'm:songs:' .. song[2], song[4])
call('ZREM', request_key(song[2], song[3]), song[4])
call('UNLINK', song_key(id), 'm:sound:' .. id, 'm:events:' .. id, 'm:ears:' .. id, 'm:wanted:' .. id)
use(-1, 0 - tonumber(song[5]))
tell_news(id)
return {'done', usage()}
