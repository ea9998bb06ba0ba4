#!lua
-- nonce, replica, lease seconds
local nonce, at = ARGV[1], now()
local before = answered(nonce, at)
if before then return before end
local id = first_lost(at)
if not id then return false end
give(id, ARGV[2], nonce, at + tonumber(ARGV[3]))
return claimed(id, at)
