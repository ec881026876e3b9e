# The contract for the generator of the Rust client:
# - It takes one kind of successful answer only: "204" of a resumption remains an unexpected status.
# - It makes a type of its own of each string with a pattern or a length.
# - It makes the same name of both spellings of a field.
del(.paths["/api/chat/{request_id}/events"].get.responses["204"])
| walk(
    if type != "object" then .
    else
      (if (.type | type) == "string" then del(.pattern, .minLength, .maxLength) else . end)
      | (if has("isGuest") then del(.is_guest) else . end)
      | (if has("sessionId") then del(.session_id) else . end)
    end)
