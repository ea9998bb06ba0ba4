#!lua flags=allow-oom
-- Returns the engines (JSON) of every replica whose announcement has not expired.
local found = {}
for _, replica in ipairs(call('ZRANGEBYSCORE', 'm:replicas', '(' .. text(now()), '+inf')) do
    found[#found + 1] = call('HGET', 'm:engines', replica) or nil
end
return found
