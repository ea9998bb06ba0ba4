#!lua flags=allow-oom
-- id, 'unheard': says whether a song may be deleted, as it has ended and nobody listens
-- id, 'ended': the same, also of one with listeners
-- id, 'forget', seconds: forgets a song that has ended; for so many seconds, of which there may be none, nothing puts it back
local id, seconds = ARGV[1], tonumber(ARGV[3] or 0)
local state = fields(id, 'state')[1]
if unended(state) then return {usage(), 0} end
if ARGV[2] == 'unheard' then return {usage(), 1 - heard(id, now())} end
if ARGV[2] == 'ended' then return {usage(), state and 1 or 0} end
call('ZREM', 'm:ended', id)
-- An answer was lost: it is done.
if not state then return {usage(), call('EXISTS', deleted_key(id))} end
erase(id, nil)
if seconds > 0 then call('SET', deleted_key(id), '', 'EX', seconds) end
return {usage(), 1}
