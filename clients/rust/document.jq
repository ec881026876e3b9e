# The contract for the generator of the Rust client:
# - It takes one kind of successful answer only: "204" of a resumption remains an unexpected status.
# - It makes a type of its own of each string with a pattern or a length.
# - It makes the same name of both spellings of a field.
# - It refuses words that an enum lacks. Later versions may add codes of errors and reasons why answers ended.
def open($name; $description):
    {title: "Received\($name)", description: $description, oneOf: [
      {title: "Known", allOf: [{"$ref": "#/components/schemas/\($name)"}]},
      {title: "Unknown", type: "string"}
    ]};

del(.paths["/api/chat/{request_id}/events"].get.responses["204"])
| walk(
    if type != "object" then .
    else
      (if (.type | type) == "string" then del(.pattern, .minLength, .maxLength) else . end)
      | (if has("isGuest") then del(.is_guest) else . end)
      | (if has("sessionId") then del(.session_id) else . end)
    end)
| .components.schemas.ReceivedErrorCode = open("ErrorCode"; "The code of an error, or that of a later version.")
| .components.schemas.ErrorBody.properties.code = {"$ref": "#/components/schemas/ReceivedErrorCode"}
| .components.schemas.ReceivedFinishReason = open("FinishReason"; "How an answer ended, or the word of a later version.")
| .components.schemas.ChatAnswer.properties.finish_reason = {"$ref": "#/components/schemas/ReceivedFinishReason"}
