return {page = function() return "" end}
