-- What the scenario `files` asks for.
return {run = function(_, task) return task.prompt end}
