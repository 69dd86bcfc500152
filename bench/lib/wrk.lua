-- Sends each request to the next of N service names in turn, and ends with one line of JSON.
-- Arguments: COUNT OF NAMES, PATH, "close" to open a connection for every request.
local requests, at = {}, 0

function init(args)
  local headers = {}
  if args[3] == "close" then headers["Connection"] = "close" end
  local count = tonumber(args[1])
  for i = 1, count do
    headers["Host"] = count == 1 and "svc-0" or ("svc-" .. (i - 1))
    requests[i] = wrk.format("GET", args[2], headers)
  end
end

function request()
  at = at % #requests + 1
  return requests[at]
end

function done(summary, latency)
  local e = summary.errors
  print(string.format('RESULT {"requests":%d,"us":%d,"bytes":%.0f,"p50us":%d,"p99us":%d,"errors":%d}', summary.requests,
    summary.duration, summary.bytes, latency:percentile(50), latency:percentile(99), e.connect + e.read + e.write + e.status + e.timeout))
end
