-- 33-files.lua — files by pattern, with size and time, sorted, and no program to find them.
--
--     $ orun examples/33-files.lua

local orun = require "orun"

local ports = orun.files("examples/ports/*.lua")
print(ports[1].path, ports[1].size > 100, ports[1].mtime > 0)

-- A list: filter and map it, or give its files to tasks.
local names = orun.files("**/bu*.lua", "examples"):map(function(file) return file.path end)
print(table.concat(names, " "))

-- Folders that cannot be read are the second result.
local none, unread = orun.files("*", "no such folder")
print(#none, unread[1].error)

--> examples/ports/build.lua	true	true
--> examples/ports/build.lua
--> 0	No such file or directory
