/**
 * Models in the shapes that modelers write: prefixes, a diagram, pools and lanes, templates with icons, data of other
 * tools, extensions in any order.
 */

/** Every place where jobs and messages come from, in a collaboration with a pool that is only drawn. */
export const ORDER = `<?xml version="1.0" encoding="UTF-8"?>
<bpmn:definitions xmlns:bpmn="http://www.omg.org/spec/BPMN/20100524/MODEL" xmlns:bpmndi="http://www.omg.org/spec/BPMN/20100524/DI" xmlns:dc="http://www.omg.org/spec/DD/20100524/DC" xmlns:di="http://www.omg.org/spec/DD/20100524/DI" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xmlns:zeebe="http://camunda.org/schema/zeebe/1.0" xmlns:modeler="http://camunda.org/schema/modeler/1.0" xmlns:bioc="http://bpmn.io/schema/bpmn/biocolor/1.0" id="Definitions_0k1x" targetNamespace="http://bpmn.io/schema/bpmn" exporter="Camunda Modeler" exporterVersion="5.42.0" modeler:executionPlatform="Camunda Cloud" modeler:executionPlatformVersion="8.8.0">
  <bpmn:collaboration id="Collaboration_1">
    <bpmn:participant id="Shop" name="Shop" processRef="order" />
    <bpmn:participant id="Customer" name="Customer" processRef="Process_Customer" />
    <bpmn:messageFlow id="MessageFlow_1" sourceRef="Tell" targetRef="Customer" />
  </bpmn:collaboration>
  <bpmn:process id="order" name="Order" isExecutable="true">
    <bpmn:documentation>From the order to the parcel.
Lines are kept &amp; read by people.</bpmn:documentation>
    <bpmn:extensionElements>
      <zeebe:executionListeners>
        <zeebe:executionListener eventType="end" type="order.audit" retries="2" />
      </zeebe:executionListeners>
      <zeebe:versionTag value="7" />
    </bpmn:extensionElements>
    <bpmn:laneSet id="LaneSet_1">
      <bpmn:lane id="Lane_1" name="Sales">
        <bpmn:flowNodeRef>Ordered</bpmn:flowNodeRef>
        <bpmn:flowNodeRef>Charge</bpmn:flowNodeRef>
      </bpmn:lane>
    </bpmn:laneSet>
    <bpmn:startEvent id="Ordered">
      <bpmn:outgoing>Flow_1</bpmn:outgoing>
      <bpmn:messageEventDefinition id="MessageEventDefinition_1" messageRef="Message_Ordered" />
    </bpmn:startEvent>
    <bpmn:sequenceFlow id="Flow_1" sourceRef="Ordered" targetRef="Charge" />
    <bpmn:serviceTask id="Charge" name="Charge &quot;card&quot;" zeebe:modelerTemplate="acme.charge" zeebe:modelerTemplateVersion="3" zeebe:modelerTemplateIcon="data:image/svg+xml;base64,PHN2Zy8+" bioc:stroke="#831311">
      <bpmn:extensionElements>
        <zeebe:ioMapping>
          <zeebe:input source="=order.total" target="amount" />
          <zeebe:output source="=receipt" target="receipt" />
        </zeebe:ioMapping>
        <zeebe:taskHeaders>
          <zeebe:header key="currency" value="EUR" />
        </zeebe:taskHeaders>
        <zeebe:taskDefinition type="order.payment.charge.v1" retries="5" />
      </bpmn:extensionElements>
      <bpmn:incoming>Flow_1</bpmn:incoming>
      <bpmn:outgoing>Flow_2</bpmn:outgoing>
    </bpmn:serviceTask>
    <bpmn:boundaryEvent id="Refused" attachedToRef="Charge">
      <bpmn:outgoing>Flow_7</bpmn:outgoing>
      <bpmn:errorEventDefinition id="ErrorEventDefinition_1" errorRef="Error_Refused" />
    </bpmn:boundaryEvent>
    <bpmn:endEvent id="Tell">
      <bpmn:extensionElements>
        <zeebe:taskDefinition type="mail" />
      </bpmn:extensionElements>
      <bpmn:incoming>Flow_7</bpmn:incoming>
      <bpmn:messageEventDefinition id="MessageEventDefinition_2" messageRef="Message_Told" />
    </bpmn:endEvent>
    <bpmn:sequenceFlow id="Flow_7" sourceRef="Refused" targetRef="Tell" />
    <bpmn:sequenceFlow id="Flow_2" sourceRef="Charge" targetRef="Rating" />
    <bpmn:businessRuleTask id="Rating">
      <bpmn:extensionElements>
        <zeebe:calledDecision decisionId="rating" resultVariable="rating" />
      </bpmn:extensionElements>
      <bpmn:incoming>Flow_2</bpmn:incoming>
      <bpmn:outgoing>Flow_3</bpmn:outgoing>
    </bpmn:businessRuleTask>
    <bpmn:sequenceFlow id="Flow_3" sourceRef="Rating" targetRef="Gateway_1" />
    <bpmn:exclusiveGateway id="Gateway_1" default="Flow_4">
      <bpmn:incoming>Flow_3</bpmn:incoming>
      <bpmn:outgoing>Flow_4</bpmn:outgoing>
      <bpmn:outgoing>Flow_5</bpmn:outgoing>
    </bpmn:exclusiveGateway>
    <bpmn:sequenceFlow id="Flow_4" sourceRef="Gateway_1" targetRef="Pack" />
    <bpmn:sequenceFlow id="Flow_5" sourceRef="Gateway_1" targetRef="Check">
      <bpmn:conditionExpression xsi:type="bpmn:tFormalExpression">=rating &lt; 3</bpmn:conditionExpression>
    </bpmn:sequenceFlow>
    <bpmn:userTask id="Check">
      <bpmn:extensionElements>
        <zeebe:userTask />
        <zeebe:assignmentDefinition candidateGroups="sales" />
        <zeebe:taskListeners>
          <zeebe:taskListener eventType="completing" type="order.check.completing" />
        </zeebe:taskListeners>
      </bpmn:extensionElements>
      <bpmn:incoming>Flow_5</bpmn:incoming>
      <bpmn:outgoing>Flow_6</bpmn:outgoing>
    </bpmn:userTask>
    <bpmn:sequenceFlow id="Flow_6" sourceRef="Check" targetRef="Pack" />
    <bpmn:subProcess id="Pack">
      <bpmn:extensionElements>
        <zeebe:executionListeners>
          <zeebe:executionListener eventType="start" type="order.audit" />
        </zeebe:executionListeners>
      </bpmn:extensionElements>
      <bpmn:incoming>Flow_4</bpmn:incoming>
      <bpmn:incoming>Flow_6</bpmn:incoming>
      <bpmn:multiInstanceLoopCharacteristics isSequential="true">
        <bpmn:extensionElements>
          <zeebe:loopCharacteristics inputCollection="=order.lines" inputElement="line" />
        </bpmn:extensionElements>
      </bpmn:multiInstanceLoopCharacteristics>
      <bpmn:startEvent id="PackStarted">
        <bpmn:outgoing>Flow_8</bpmn:outgoing>
      </bpmn:startEvent>
      <bpmn:sequenceFlow id="Flow_8" sourceRef="PackStarted" targetRef="Label" />
      <bpmn:scriptTask id="Label">
        <bpmn:extensionElements>
          <zeebe:taskDefinition type="order.label" />
        </bpmn:extensionElements>
        <bpmn:incoming>Flow_8</bpmn:incoming>
      </bpmn:scriptTask>
      <bpmn:scriptTask id="Sum">
        <bpmn:extensionElements>
          <zeebe:script expression="=1 + 1" resultVariable="two" />
        </bpmn:extensionElements>
      </bpmn:scriptTask>
      <bpmn:adHocSubProcess id="Choose">
        <bpmn:extensionElements>
          <zeebe:taskDefinition type="order.choose" />
        </bpmn:extensionElements>
        <bpmn:serviceTask id="Wrap">
          <bpmn:extensionElements>
            <zeebe:taskDefinition type="order.wrap" />
          </bpmn:extensionElements>
        </bpmn:serviceTask>
        <bpmn:serviceTask id="Weather">
          <bpmn:extensionElements>
            <zeebe:taskDefinition type="io.camunda:http-json:1" />
          </bpmn:extensionElements>
        </bpmn:serviceTask>
      </bpmn:adHocSubProcess>
    </bpmn:subProcess>
    <bpmn:receiveTask id="WaitForParcel" messageRef="Message_Parcel" />
    <bpmn:boundaryEvent id="Late" cancelActivity="false" attachedToRef="WaitForParcel">
      <bpmn:timerEventDefinition id="TimerEventDefinition_1">
        <bpmn:timeCycle xsi:type="bpmn:tFormalExpression">R/PT6H</bpmn:timeCycle>
      </bpmn:timerEventDefinition>
    </bpmn:boundaryEvent>
    <bpmn:sendTask id="Remind">
      <bpmn:extensionElements>
        <zeebe:taskDefinition type="mail" />
      </bpmn:extensionElements>
    </bpmn:sendTask>
    <bpmn:intermediateCatchEvent id="Webhook">
      <bpmn:extensionElements>
        <zeebe:properties>
          <zeebe:property name="inbound.type" value="io.camunda:webhook:1" />
        </zeebe:properties>
      </bpmn:extensionElements>
      <bpmn:messageEventDefinition id="MessageEventDefinition_3" messageRef="Message_Webhook" />
    </bpmn:intermediateCatchEvent>
    <bpmn:intermediateCatchEvent id="Dynamic">
      <bpmn:messageEventDefinition id="MessageEventDefinition_4" messageRef="Message_Dynamic" />
    </bpmn:intermediateCatchEvent>
    <bpmn:subProcess id="Cancelling" triggeredByEvent="true">
      <bpmn:startEvent id="Cancelled" isInterrupting="true">
        <bpmn:messageEventDefinition id="MessageEventDefinition_5" messageRef="Message_Cancelled" />
      </bpmn:startEvent>
    </bpmn:subProcess>
    <bpmn:textAnnotation id="TextAnnotation_1">
      <bpmn:text>A note</bpmn:text>
    </bpmn:textAnnotation>
    <bpmn:association id="Association_1" associationDirection="None" sourceRef="Pack" targetRef="TextAnnotation_1" />
  </bpmn:process>
  <bpmn:process id="Process_Customer" isExecutable="false">
    <bpmn:serviceTask id="NotOurs" />
  </bpmn:process>
  <bpmn:message id="Message_Ordered" name="order.placed" />
  <bpmn:message id="Message_Told" name="told" />
  <bpmn:message id="Message_Parcel" name="order.parcel-sent">
    <bpmn:extensionElements>
      <zeebe:subscription correlationKey="=order.id" />
    </bpmn:extensionElements>
  </bpmn:message>
  <bpmn:message id="Message_Webhook" name="2f4e7c1a-0000" zeebe:modelerTemplate="io.camunda.connectors.webhook" />
  <bpmn:message id="Message_Dynamic" name="=&quot;reply-&quot; + order.id">
    <bpmn:extensionElements>
      <zeebe:subscription correlationKey="=order.id" />
    </bpmn:extensionElements>
  </bpmn:message>
  <bpmn:message id="Message_Cancelled" name="order.cancelled">
    <bpmn:extensionElements>
      <zeebe:subscription correlationKey="=order.id" />
    </bpmn:extensionElements>
  </bpmn:message>
  <bpmn:error id="Error_Refused" name="refused" errorCode="refused" />
  <bpmndi:BPMNDiagram id="BPMNDiagram_1">
    <bpmndi:BPMNPlane id="BPMNPlane_1" bpmnElement="Collaboration_1">
      <bpmndi:BPMNShape id="Charge_di" bpmnElement="Charge" bioc:stroke="#831311">
        <dc:Bounds x="100" y="80" width="100" height="80" />
      </bpmndi:BPMNShape>
      <bpmndi:BPMNEdge id="Flow_1_di" bpmnElement="Flow_1">
        <di:waypoint x="36" y="120" />
        <di:waypoint x="100" y="120" />
      </bpmndi:BPMNEdge>
    </bpmndi:BPMNPlane>
  </bpmndi:BPMNDiagram>
</bpmn:definitions>
`;

/** A process with whatever is put into it, and more beside it. */
export function modelOf(inside: string, beside = '', process = 'id="flow" isExecutable="true"'): string {
  return `<?xml version="1.0" encoding="UTF-8"?>
<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL" xmlns:zeebe="http://camunda.org/schema/zeebe/1.0" id="D" targetNamespace="urn:d">
<process ${process}>
${inside}
</process>
${beside}
</definitions>
`;
}

/** A service task of a job type. */
export const task = (id: string, type: string): string =>
  `<serviceTask id="${id}"><extensionElements><zeebe:taskDefinition type="${type}" /></extensionElements></serviceTask>`;
