#!lua flags=allow-oom
-- Checks that a song is held under a lease.
-- Arguments: id, lease
if not unended(fields(ARGV[1], 'state')[1]) or not is_lease(ARGV[1], ARGV[2]) then return refused(ARGV[1], ARGV[2]) end
return {'ok', usage()}
