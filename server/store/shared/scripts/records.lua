#!lua flags=allow-oom
-- Returns the records of songs, newest first.
-- Arguments: 'song', id  |  'request', caller, request id  |  'page', caller, before (empty: from the newest), count
local function listed()
    if ARGV[1] == 'song' then return {ARGV[2]} end
    local key, first, count = 'm:songs:' .. ARGV[2], '+', ARGV[4]
    if ARGV[1] == 'request' then key, count = request_key(ARGV[2], ARGV[3]), 1 end
    if ARGV[1] == 'page' and ARGV[3] ~= '' then first = '(' .. ARGV[3] end
    local ids = {}
    for _, name in ipairs(call('ZREVRANGEBYLEX', key, first, '-', 'LIMIT', 0, count)) do
        ids[#ids + 1] = string.match(name, '^%d+:(.*)$')
    end
    return ids
end
local found = {}
for _, id in ipairs(listed()) do
    local song = fields(id, 'record', 'state', 'owner', 'epoch', 'size', 'seal', 'ended')
    if song[1] then found[#found + 1] = song end
end
return {usage(), found}
