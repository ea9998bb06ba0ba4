#!lua flags=allow-oom
-- Returns every engine that was ever announced: JSON, seconds since a replica last served it, mean seconds of a start.
local at, found = now(), {}
for _, name in ipairs(call('HKEYS', 'm:known')) do
    local away = math.max(0, at - (served_till(name) or at))
    found[#found + 1] = {call('HGET', 'm:known', name), text(away), call('HGET', 'm:starts', name)}
end
return found
