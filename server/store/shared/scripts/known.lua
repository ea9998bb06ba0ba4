#!lua flags=allow-oom
-- Every engine that was ever announced: JSON, seconds since nobody serves it, measured seconds of a start.
local at, found = now(), {}
for _, name in ipairs(call('HKEYS', 'm:known')) do
    local served_till = tonumber(call('HGET', 'm:served', name) or nil) or at
    local start = call('HGET', 'm:starts', name)
    found[#found + 1] = {call('HGET', 'm:known', name), text(math.max(0, at - served_till)), start}
end
return found
