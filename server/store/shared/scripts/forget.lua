#!lua flags=allow-oom
-- Deletes a song that ended before it was planned, under the lease of its replica.
-- Arguments: id, lease
local id, lease = ARGV[1], ARGV[2]
if not is_lease(id, lease) or not unended(fields(id, 'state')[1]) then return refused(id, lease) end
erase(id, 0)
return {'done', usage()}
