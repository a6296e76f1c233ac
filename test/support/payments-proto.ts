/** A proto file of a person with what generated clients have to rename, leave out and convert. */
export const PAYMENTS = `syntax = "proto3";
package acme.payments.v1;
import "google/protobuf/empty.proto";
enum State { STATE_UNSPECIFIED = 0; STATE_OPEN = 1; }
message Call { string id = 1; }
message Payment {
  message Line { int64 cents = 1; repeated uint64 parts = 2; optional string note = 3; }
  string id = 1;
  State state = 2;
  repeated Line lines = 3;
  map<string, int64> counts = 4;
  google.protobuf.Timestamp due_time = 5;
  google.protobuf.Struct details = 6;
  oneof how { bytes card = 7; Call call = 8; }
  string from = 9;
  int32 json = 10;
}
service payment_api {
  rpc pay(Payment) returns (Payment);
  rpc Watch(Payment) returns (stream Payment);
  rpc Reset(google.protobuf.Empty) returns (google.protobuf.Empty);
}`;
