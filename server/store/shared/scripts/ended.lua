#!lua flags=allow-oom
-- first, count: songs that have ended, the first ended first, with their size, and 1 where somebody listens
local found, at = {}, now()
for _, id in ipairs(call('ZRANGE', 'm:ended', ARGV[1], tonumber(ARGV[1]) + tonumber(ARGV[2]) - 1)) do
    local song = fields(id, 'ended', 'size')
    found[#found + 1] = {id, song[1] or '0', song[2] or '0', heard(id, at)}
end
return {usage(), found}
