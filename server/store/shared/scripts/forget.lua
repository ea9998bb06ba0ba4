#!lua flags=allow-oom
-- id, lease
-- Forgets a song that has ended and that nobody can want, under the lease of its maker: nothing was made of it.
local id, lease = ARGV[1], ARGV[2]
if not is_lease(id, lease) or not unended(fields(id, 'state')[1]) then return refused(id, lease) end
erase(id, 0)
return {'done', usage()}
