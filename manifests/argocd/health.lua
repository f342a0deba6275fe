-- The health of a Mooring object for Argo CD, by the conditions that the operator writes.
local health = { status = "Progressing", message = "Mooring has not looked at it yet" }

local status = obj.status
if status == nil or status.conditions == nil then
  return health
end

-- A status of an older spec says nothing of this one.
local generation = obj.metadata.generation
if generation ~= nil and (status.observedGeneration == nil or status.observedGeneration < generation) then
  health.message = "Mooring has not looked at this spec yet"
  return health
end

local conditions = {}
for _, condition in ipairs(status.conditions) do
  conditions[condition.type] = condition
end

local ready = conditions.Ready
if ready == nil then
  return health
end
health.message = ready.reason .. ": " .. ready.message

if conditions.Stalled ~= nil and conditions.Stalled.status == "True" then
  health.status = "Degraded"
elseif ready.status == "True" then
  health.status = "Healthy"
elseif obj.spec.suspend == true then
  health.status = "Suspended"
end
return health
